//! One HTML file about a model and its annotations, which needs nothing else: an overview, and tables and pages of
//! concepts, latents and proteins that a script makes of the data within.
//!
//! Whatever comes from files is escaped: by the template in HTML, and in the data, of which the script makes text alone.

pub mod data;
mod error;

pub use error::PageError;

use super::curve::{Axes, Chart};
use data::Document;
use minijinja::{Environment, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

/// The template; its suffix lets whatever it shows be escaped.
const TEMPLATE: (&str, &str) = ("page.html", include_str!("page/assets/page.html"));
const STYLE: &str = include_str!("page/assets/page.css");
/// What draws chains, and all else.
const SCRIPTS: [&str; 2] = [
    include_str!("page/assets/structure.js"),
    include_str!("page/assets/page.js"),
];

/// What the page says at its beginning.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Overview {
    /// Title of the page.
    pub title: String,
    /// What can be used, and for what, in plain sentences.
    pub sentences: Vec<String>,
    /// Names and values: data, model, training, fidelity.
    pub facts: Vec<Facts>,
    /// Concepts that are written and that something speaks against.
    pub distrusted: Vec<Distrusted>,
    /// What is not shown, and which option gives it.
    pub lacking: Vec<String>,
    /// Curves of training.
    pub curves: Vec<Drawing>,
    /// Whether annotations are right as often as is said of them, over all concepts.
    pub reliability: Option<Drawing>,
}

/// Names and values under a heading.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// Heading.
    pub heading: &'static str,
    /// Names and values.
    pub rows: Vec<(String, String)>,
}

/// A concept to be careful with.
#[derive(Clone, Debug, Serialize)]
pub struct Distrusted {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What speaks against it.
    pub reason: String,
}

/// A chart with its key.
#[derive(Clone, Debug, Serialize)]
pub struct Drawing {
    svg: String,
    /// Numbers of colours, and names of lines.
    key: Vec<(usize, &'static str)>,
}

impl Drawing {
    /// Draws a chart; none where it has no points.
    ///
    /// # Errors
    /// As [`Chart::svg`].
    pub fn new(chart: &Chart) -> Result<Option<Self>, PageError> {
        if !chart.has_points() {
            return Ok(None);
        }
        Ok(Some(Self {
            svg: chart.svg()?,
            key: chart.key().collect(),
        }))
    }
}

/// The axes in which the script draws shares: as SVG, with the pixels of their ends.
#[derive(Serialize)]
struct Frame {
    id: &'static str,
    svg: String,
    ends: [i32; 4],
}

/// What the template shows.
#[derive(Serialize)]
struct Content<'a> {
    overview: &'a Overview,
    counts: Counts,
    frames: Vec<Frame>,
    data: String,
    style: &'static str,
    scripts: [&'static str; 2],
}

/// Pages of each kind.
#[derive(Serialize)]
struct Counts {
    concepts: usize,
    latents: usize,
    proteins: usize,
    missing: usize,
}

fn frames() -> Result<Vec<Frame>, PageError> {
    let frame = |id, title, x, y| {
        let chart = Chart {
            title,
            axes: Axes::Shares { x, y },
            lines: Vec::new(),
        };
        let (svg, ends) = chart.frame()?;
        Ok(Frame { id, svg, ends })
    };
    [
        frame(
            "reliability-frame",
            "Reliability",
            "probability of being right",
            "share that is right",
        ),
        frame(
            "recall-frame",
            "Precision against recall",
            "recall",
            "precision",
        ),
    ]
    .into_iter()
    .collect()
}

/// JSON for an element of HTML, which no text within can end: a less-than sign can only stand in strings.
fn embedded(document: &Document) -> Result<String, PageError> {
    Ok(serde_json::to_string(document)?.replace('<', "\\u003c"))
}

/// What stands before and behind the data in a page.
const DATA: [&str; 2] = [
    "<script id=\"data\" type=\"application/json\">",
    "</script>",
];

/// The data in the text of a page; none where it is no such page.
#[must_use]
pub fn data_in(page: &str) -> Option<&str> {
    let (_, behind) = page.split_once(DATA[0])?;
    Some(behind.split_once(DATA[1])?.0)
}

/// The page.
///
/// # Errors
/// Where it cannot be made, which would be a bug.
pub fn render(overview: &Overview, document: &Document) -> Result<String, PageError> {
    let whitespace = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    let mut environment = Environment::new();
    environment.set_syntax(whitespace);
    environment.add_template(TEMPLATE.0, TEMPLATE.1)?;
    let template = environment.get_template(TEMPLATE.0)?;
    let content = Content {
        overview,
        counts: Counts {
            concepts: document.concepts.len(),
            latents: document.latents.len(),
            proteins: document.proteins.len(),
            missing: document.missing_in_all,
        },
        frames: frames()?,
        data: embedded(document)?,
        style: STYLE,
        scripts: SCRIPTS,
    };
    Ok(template.render(Serde(&content))?)
}

#[cfg(test)]
mod tests {
    use super::{data::ProteinPage, *};

    #[test]
    fn whatever_comes_from_files_is_text() {
        let evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>";
        let overview = Overview {
            title: evil.into(),
            sentences: vec![evil.into()],
            distrusted: vec![Distrusted {
                id: "\" onfocus=alert(1) x=\"".into(),
                name: evil.into(),
                reason: evil.into(),
            }],
            ..Overview::default()
        };
        let document = Document {
            proteins: vec![ProteinPage {
                id: evil.into(),
                ..ProteinPage::default()
            }],
            ..Document::default()
        };
        let page = render(&overview, &document).unwrap();
        assert_eq!(page.matches("<script>").count(), 2, "the page's own");
        assert!(!page.contains("<img") && !page.contains("\" onfocus"));
        let read: Document = serde_json::from_str(data_in(&page).unwrap()).unwrap();
        assert_eq!(read, document);
    }

    #[test]
    fn a_page_needs_nothing_else() {
        let page = render(&Overview::default(), &Document::default()).unwrap();
        for outside in [
            "src=",
            "@import",
            "url(",
            "<link",
            "fetch(",
            "XMLHttpRequest",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        let without_names = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!without_names.contains("://"), "an address");
    }
}
