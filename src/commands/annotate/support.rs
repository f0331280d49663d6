//! What speaks for calls beside the model: homologues, and `InterPro` entries that are mapped to terms.

use crate::{
    Result,
    annot::{
        collect::{Collector, Settings},
        concept::ConceptKind,
        format,
        hits::{self, Hit},
        mappings::References,
        vocabulary::{Choice, Terminology, Vocabulary},
    },
    cli::{Context, Source},
    commands::shared,
    report::calls::{Call, Corroboration},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    convert::Infallible,
};

/// Options that name what speaks for calls.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Calls of whole proteins")]
pub(super) struct SupportArgs {
    /// Homologues of the proteins: the twelve columns of DIAMOND or MMseqs2 (BLAST's outfmt 6)
    #[arg(long, value_name = "FILE.m8", requires_all = ["homolog_annotations", "ontology"])]
    homologs: Option<Source>,

    /// What the homologues have: annotations of any kind that protsae-concepts reads; repeatable
    #[arg(long, value_name = "FILE", requires = "homologs")]
    homolog_annotations: Vec<Source>,

    /// Mapping of InterPro entries to GO
    #[arg(long, value_name = "FILE", requires_all = ["interpro_matches", "ontology"])]
    interpro2go: Option<Source>,

    /// Matches of the proteins: InterProScan's TSV, JSON, GFF3 or XML, or protein2ipr.dat; repeatable
    #[arg(long, value_name = "FILE", requires = "interpro2go")]
    interpro_matches: Vec<Source>,
}

/// Terms of proteins, with those that follow.
type Terms = HashMap<String, HashSet<String>>;

/// What speaks for calls.
pub(super) struct Support {
    homologs: BTreeMap<String, Vec<Hit>>,
    of_homologs: Terms,
    of_entries: Terms,
}

impl SupportArgs {
    /// Reads it; terms follow the ontology.
    ///
    /// # Errors
    /// Where an input cannot be read.
    pub(super) fn read(&self, context: &Context, read: Option<&shared::Terms>) -> Result<Support> {
        let mut support = Support {
            homologs: BTreeMap::new(),
            of_homologs: Terms::new(),
            of_entries: Terms::new(),
        };
        let Some(read) = read else {
            return Ok(support);
        };
        let terminology = Terminology {
            ontology: &read.ontology,
            hierarchy: &read.hierarchy,
        };
        if let Some(source) = &self.homologs {
            support.homologs = hits::read(context.open(source)?).map_err(source.in_input())?;
            let references = References::default();
            support.of_homologs =
                terms(context, &self.homolog_annotations, references, terminology)?;
        }
        if let Some(source) = &self.interpro2go {
            let mut references = References::default();
            let read = references.read_external2go(context.open(source)?);
            read.map_err(source.in_input())?;
            support.of_entries = terms(context, &self.interpro_matches, references, terminology)?;
        }
        Ok(support)
    }
}

/// The terms that annotations give proteins.
fn terms(
    context: &Context,
    sources: &[Source],
    references: References,
    terminology: Terminology<'_>,
) -> Result<Terms> {
    let mut collector = Collector::new(Settings {
        kinds: vec![ConceptKind::Go],
        ..Settings::default()
    });
    collector.set_references(references);
    for source in sources {
        let reader = context.open_ahead(source)?;
        format::read(reader, None, &source.to_string(), &mut collector)
            .map_err(source.in_input())?;
    }
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    let mut vocabulary = Vocabulary::new(collector, Some(terminology), &choice)?;
    let mut terms = Terms::new();
    let Ok(()) = vocabulary.labels(|label| {
        let own = terms.entry(label.protein.to_owned()).or_default();
        own.insert(label.concept.to_owned());
        Ok::<_, Infallible>(())
    });
    Ok(terms)
}

impl Support {
    /// Notes at each call of a protein what speaks for it; the best homologue is its donor where no neighbour is.
    pub(super) fn note(&self, protein: &str, calls: &mut [Call]) {
        let has = |terms: &Terms, protein: &str, call: &Call| {
            (terms.get(protein)).is_some_and(|terms| terms.contains(&call.concept))
        };
        let homologs = self.homologs.get(protein).map_or(&[][..], Vec::as_slice);
        for call in calls {
            let donor = homologs
                .iter()
                .find(|hit| has(&self.of_homologs, &hit.target, call));
            if let Some(hit) = donor {
                call.corroborated_by.push(Corroboration::Homologue);
                if call.donor.is_none() {
                    call.donor = Some(hit.target.clone());
                    call.donor_score = Some(hit.identity);
                }
            }
            if has(&self.of_entries, protein, call) {
                call.corroborated_by.push(Corroboration::Interpro2go);
            }
        }
    }
}
