//! The page, put together of what was counted and kept, within its size.

use super::{
    Args, concepts, known::Known, overview, protein::Donors, related, structures::Structures,
    survey::Survey,
};
use crate::{
    Result,
    cli::{Context, log},
    report::page::{
        self,
        data::{ConceptPage, Document, FORMAT, LatentRow, ProteinPage, percent},
    },
};
use std::collections::BTreeMap;

const MEGABYTE: f64 = 1e6;
/// Rows of what labels lack that are shown: more is a table's business.
const MISSING: usize = 2000;

/// What stands beside the proteins.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    pub(super) donors: &'a Donors,
    pub(super) structures: &'a Structures,
}

/// How much of what was kept is shown.
#[derive(Clone, Copy, Debug)]
struct Extent {
    /// Examples of each kind.
    examples: usize,
    /// Whether proteins have values of concepts of which they are no example.
    all_tracks: bool,
}

/// What is tried in turn: all examples, then fewer; one of each kind with all values is worth more than many with few.
fn extents(examples: usize) -> Vec<Extent> {
    let mut counts = vec![examples];
    while let Some(&last) = counts.last().filter(|&&n| n > 0) {
        counts.push(last - last.div_ceil(3));
    }
    let with = |all_tracks| {
        let counts = counts.iter();
        counts.map(move |&examples| Extent {
            examples,
            all_tracks,
        })
    };
    let whole = with(true).filter(|extent| extent.examples > 0 || examples == 0);
    whole.chain(with(false)).collect()
}

/// The page: all that was kept where that is small enough, else fewer examples, then fewer values along proteins.
pub(super) fn page(
    args: &Args,
    context: &Context,
    known: &Known,
    survey: &Survey<'_>,
    beside: Beside<'_>,
) -> Result<(String, Document)> {
    let near = related::near(known);
    let pages = concepts::pages(known, survey, &near);
    let overview = overview::overview(args, known, survey, &pages)?;
    let latents = concepts::latents(known);
    let mut extents = extents(args.examples.into()).into_iter().peekable();
    while let Some(extent) = extents.next() {
        let document = document(known, survey, beside, (&pages, &latents), extent);
        let text = page::render(&overview, &document)?;
        let megabytes = text.len() as f64 / MEGABYTE;
        let is_last = extents.peek().is_none();
        if megabytes > args.max_mb && !is_last {
            continue;
        }
        if megabytes > args.max_mb {
            log::warn(&format!(
                "the page has {megabytes:.1} MB, more than --max-mb {}, without any example",
                args.max_mb
            ));
        } else if extent.examples < usize::from(args.examples) || !extent.all_tracks {
            log::warn(&format!(
                "to keep to --max-mb {}, the page shows {} examples of each kind{}",
                args.max_mb,
                extent.examples,
                if extent.all_tracks {
                    ""
                } else {
                    ", and values along a protein of its examples alone"
                }
            ));
        }
        context.metric("bytes", text.len());
        context.metric("examples_of_each_kind", extent.examples);
        context.metric("proteins_shown", document.proteins.len());
        return Ok((text, document));
    }
    Ok((String::new(), Document::default()))
}

fn document(
    known: &Known,
    survey: &Survey<'_>,
    beside: Beside<'_>,
    (pages, latents): (&[ConceptPage], &[LatentRow]),
    extent: Extent,
) -> Document {
    let mut proteins: BTreeMap<String, ProteinPage> = BTreeMap::new();
    let new = |page: &ProteinPage, is_wanted: bool| {
        let mut page = page.clone();
        if !(extent.all_tracks || is_wanted) {
            page.tracks.clear();
        }
        beside.donors.note(&mut page);
        page.structure = beside.structures.chain(&page.id);
        page
    };
    for (id, page) in &survey.wanted {
        let is_listed = known.listed.contains(id);
        proteins.insert(id.clone(), new(page, is_listed));
    }
    let mut concepts = pages.to_vec();
    for (concept, index) in concepts.iter_mut().zip(0..) {
        for candidate in survey.examples.of(index, extent.examples) {
            let id = candidate.example.protein.clone();
            let page = proteins
                .entry(id)
                .or_insert_with(|| new(&candidate.protein, false));
            page.tracks
                .entry(index)
                .or_insert_with(|| candidate.track.clone());
            concept.examples.push(candidate.example.clone());
        }
    }
    Document {
        format: FORMAT.into(),
        min_precision: known
            .calibrated_by()
            .map(|_| percent(known.min_precision as f32)),
        judged_on: known.labels.as_ref().map(|_| {
            let judged = if known.split.is_some() { "test" } else { "all" };
            judged.to_owned()
        }),
        concepts,
        latents: latents.to_vec(),
        proteins: proteins.into_values().collect(),
        missing: known.missing.iter().take(MISSING).cloned().collect(),
        missing_in_all: known.missing.len(),
    }
}
