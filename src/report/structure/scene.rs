//! Views of a structure in Mol*: `MolViewSpec`, version 1 (<https://molstar.org/mol-view-spec-docs/>).

use super::{
    Format, Residue, Shown, Structure,
    colors::{NO_VALUE, VIRIDIS, step},
};
use crate::report::UNRESERVED;
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use std::io::{self, Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

/// The version of `MolViewSpec`.
const VERSION: &str = "1";

/// What viewers look for in an archive.
const INDEX: &str = "index.mvsj";

/// Ranges up to this many residues are sites: their side chains are shown.
const SITE: u32 = 12;

/// A range of a protein with a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedRange<'a> {
    /// First position, from 1.
    pub start: u32,
    /// Last position.
    pub end: u32,
    /// What it is.
    pub name: &'a str,
    /// `#rrggbb`; of [`super::RANGE_COLORS`], say.
    pub color: &'a str,
}

/// A view of the chain that shows a protein, coloured by values as `structure.js` colours it.
///
/// The chain is a cartoon, in steps of a tenth; other chains are pale, ligands are sticks. Each range is a component
/// with a label; a short one shows its side chains. Viewers open an `.mvsj` from an address, and find the structure
/// beside it; dropped from a disk only an `.mvsx` opens, for it holds the structure.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What the view is called.
    pub title: &'a str,
    /// Name of the structure file beside it, without a folder.
    pub file_name: &'a str,
    /// The structure.
    pub structure: &'a Structure,
    /// Where it shows the protein.
    pub shown: &'a Shown,
    /// Value of each position, from 0 to 1.
    pub values: &'a [Option<f32>],
    /// Ranges to name.
    pub ranges: &'a [NamedRange<'a>],
}

/// A state: `.mvsj`.
#[derive(Serialize)]
struct State<'a> {
    kind: &'static str,
    metadata: Metadata<'a>,
    root: Node<'a>,
}

/// Without the time at which it was written: the same input gives the same bytes.
#[derive(Serialize)]
struct Metadata<'a> {
    version: &'static str,
    title: &'a str,
}

/// A node of the tree.
#[derive(Serialize)]
struct Node<'a> {
    #[serde(flatten)]
    what: What<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Node<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "kind", content = "params", rename_all = "snake_case")]
enum What<'a> {
    Root,
    Download {
        url: String,
    },
    Parse {
        format: &'static str,
    },
    Structure {
        r#type: &'static str,
    },
    Component {
        selector: Selector<'a>,
    },
    Representation {
        r#type: &'static str,
    },
    Color {
        selector: Selector<'a>,
        color: &'a str,
    },
    Opacity {
        opacity: f32,
    },
    Label {
        text: String,
    },
    Tooltip {
        text: String,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Selector<'a> {
    Static(&'static str),
    Residues(Vec<Residues<'a>>),
}

/// Residues by the authors' numbering, which files of both formats have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Residues<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_asym_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_seq_id: Option<i32>,
    #[serde(rename = "pdbx_PDB_ins_code", skip_serializing_if = "Option::is_none")]
    insertion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beg_auth_seq_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_auth_seq_id: Option<i32>,
}

impl<'a> Node<'a> {
    fn new(what: What<'a>, children: Vec<Node<'a>>) -> Self {
        Self { what, children }
    }

    fn leaf(what: What<'a>) -> Self {
        Self::new(what, Vec::new())
    }

    fn component(selector: Selector<'a>, children: Vec<Node<'a>>) -> Self {
        Self::new(What::Component { selector }, children)
    }

    fn shape(r#type: &'static str, children: Vec<Node<'a>>) -> Self {
        Self::new(What::Representation { r#type }, children)
    }

    fn color(selector: Selector<'a>, color: &'a str) -> Self {
        Self::leaf(What::Color { selector, color })
    }
}

/// Residues of a chain in runs of numbers that follow each other.
fn runs<'a>(
    chain: Option<&'a str>,
    residues: impl Iterator<Item = &'a Residue>,
) -> Vec<Residues<'a>> {
    let mut found: Vec<Residues<'_>> = Vec::new();
    for residue in residues {
        let last = found
            .last_mut()
            .and_then(|run| run.end_auth_seq_id.as_mut());
        match (residue.insertion, last) {
            (None, Some(end)) if end.checked_add(1) == Some(residue.number) => *end += 1,
            (None, _) => found.push(Residues {
                auth_asym_id: chain,
                beg_auth_seq_id: Some(residue.number),
                end_auth_seq_id: Some(residue.number),
                ..Residues::default()
            }),
            (Some(code), _) => found.push(Residues {
                auth_asym_id: chain,
                auth_seq_id: Some(residue.number),
                insertion: Some(code.into()),
                ..Residues::default()
            }),
        }
    }
    found
}

/// The name of a chain to select by; without one all chains are meant.
fn named(name: &str) -> Option<&str> {
    (!name.is_empty()).then_some(name)
}

impl<'a> Scene<'a> {
    fn chain(&self) -> &'a super::Chain {
        &self.structure.chains()[self.shown.chain]
    }

    /// The colour of each residue of the chain.
    fn colors(&self) -> Vec<&'static str> {
        let mut colors = vec![NO_VALUE; self.chain().residues.len()];
        for (residue, position) in self.shown.positions() {
            let value = self.values.get(position - 1).copied().flatten();
            if let Some(value) = value.filter(|value| value.is_finite()) {
                colors[residue] = VIRIDIS[step(value)];
            }
        }
        colors
    }

    /// The chain as a cartoon. Later colours count: a number without insertion code means the residues with one too, so
    /// those come last.
    fn painted(&self) -> Node<'a> {
        let chain = self.chain();
        let colors = self.colors();
        let mut nodes = vec![Node::color(Selector::Static("all"), NO_VALUE)];
        for inserted in [false, true] {
            for color in VIRIDIS.iter().copied().chain([NO_VALUE]) {
                if color == NO_VALUE && !inserted {
                    continue;
                }
                let pairs = chain.residues.iter().zip(&colors);
                let own =
                    pairs.filter(|(r, own)| **own == color && r.insertion.is_some() == inserted);
                let runs = runs(named(&chain.name), own.map(|(residue, _)| residue));
                if !runs.is_empty() {
                    nodes.push(Node::color(Selector::Residues(runs), color));
                }
            }
        }
        let selector = match named(&chain.name) {
            Some(name) => Selector::Residues(vec![whole(name)]),
            None => Selector::Static("polymer"),
        };
        Node::component(selector, vec![Node::shape("cartoon", nodes)])
    }

    /// What stands around the chain.
    fn around(&self) -> Vec<Node<'a>> {
        let own = &self.chain().name;
        let others = self.structure.chains().iter().map(|chain| &chain.name);
        let others: Vec<_> = others
            .filter(|&name| name != own)
            .map(|name| whole(name))
            .collect();
        let mut nodes = Vec::new();
        if !others.is_empty() {
            let look = vec![
                Node::color(Selector::Static("all"), NO_VALUE),
                Node::leaf(What::Opacity { opacity: 0.3 }),
            ];
            nodes.push(Node::component(
                Selector::Residues(others),
                vec![Node::shape("cartoon", look)],
            ));
        }
        if self
            .structure
            .sites
            .iter()
            .any(|site| site.residue.is_none())
        {
            let sticks = Node::shape("ball_and_stick", Vec::new());
            nodes.push(Node::component(Selector::Static("ligand"), vec![sticks]));
        }
        nodes
    }

    /// A range as a component; none where nothing of it has coordinates.
    fn range(&self, range: &NamedRange<'a>) -> Option<Node<'a>> {
        let chain = self.chain();
        let residues =
            (range.start..=range.end).filter_map(|position| self.shown.residue_at(position));
        let runs = runs(
            named(&chain.name),
            residues.map(|residue| &chain.residues[residue]),
        );
        if runs.is_empty() {
            return None;
        }
        let mut children = vec![
            Node::leaf(What::Label {
                text: range.name.to_owned(),
            }),
            Node::leaf(What::Tooltip {
                text: format!("{}: {}-{}", range.name, range.start, range.end),
            }),
        ];
        if range.end - range.start < SITE {
            let color = Node::color(Selector::Static("all"), range.color);
            children.push(Node::shape("ball_and_stick", vec![color]));
        }
        Some(Node::component(Selector::Residues(runs), children))
    }

    fn state(&self) -> State<'a> {
        let mut components = vec![self.painted()];
        components.extend(self.around());
        components.extend(self.ranges.iter().filter_map(|range| self.range(range)));
        let format = match self.structure.format() {
            Format::Pdb => "pdb",
            Format::Mmcif => "mmcif",
        };
        let structure = Node::new(What::Structure { r#type: "model" }, components);
        let parse = Node::new(What::Parse { format }, vec![structure]);
        let url = utf8_percent_encode(self.file_name, UNRESERVED).to_string();
        let download = Node::new(What::Download { url }, vec![parse]);
        State {
            kind: "single",
            metadata: Metadata {
                version: VERSION,
                title: self.title,
            },
            root: Node::new(What::Root, vec![download]),
        }
    }

    /// Writes the view (`.mvsj`), which names the structure file beside it.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn write_mvsj(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut out, &self.state())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Writes the view with the structure file in it (`.mvsx`, an archive): `file` is what the file of that name holds.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn write_mvsx(&self, mut out: impl Write, file: &[u8]) -> io::Result<()> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file(INDEX, SimpleFileOptions::default())?;
        self.write_mvsj(&mut archive)?;
        archive.start_file(self.file_name, SimpleFileOptions::default())?;
        archive.write_all(file)?;
        out.write_all(archive.finish()?.get_ref())?;
        out.flush()
    }
}

/// All of a chain.
fn whole(name: &str) -> Residues<'_> {
    Residues {
        auth_asym_id: named(name),
        ..Residues::default()
    }
}

#[cfg(test)]
mod tests;
