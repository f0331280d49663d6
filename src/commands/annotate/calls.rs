//! Calls of whole proteins into annotation files.

mod chosen;

pub(super) use chosen::Names;

use super::{
    MIN_PRECISION,
    known::NamedSae,
    support::{Support, SupportArgs},
};
use crate::{
    Error, Result,
    annot::{
        concept::{ConceptKind, Level},
        go::rules::Rules,
    },
    cli::{Context, Source, log},
    commands::{
        missing::KnownLabels,
        shared::{self, Terms, WholeProteins},
    },
    ontology::{self, Ontology, graph::Relations},
    report::{
        PROGRAM,
        calls::{Call, CallFormat, CallWriter, ProteinCalls, Provenance, REFERENCE, Submission},
    },
    seq::accession::UNIPROT,
    table::{
        SaeIdentity,
        calls::CallList,
        features::{FeatureInfo, FeatureReader},
        proteins::{self, ProteinFeatures},
    },
};
use chosen::{Candidate, call, candidates, most_specific, ruled};
use chrono::NaiveDate;

/// Least score of a call that no dictionary has calibrated.
const UNCALIBRATED: f64 = 0.5;
/// Digits of a model's SHA-256 that name it.
const DIGITS: usize = 12;

/// Options of calls.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Calls of whole proteins")]
pub(super) struct CallArgs {
    /// Protein table (protsae-encode --proteins), for formats of calls: gaf, gpad, cafa, ...; repeat for several
    #[arg(long, value_name = "TABLE")]
    pub(super) proteins: Vec<Source>,

    /// Ontology whose rules of annotation hold for calls of its terms; needed for gaf and gpad
    #[arg(long, value_name = "FILE.obo")]
    ontology: Option<Source>,

    /// Date of the annotations, for gaf and gpad: no clock is read
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<NaiveDate>,

    /// NCBI's number of the organism, for gaf and gpad; terms that it cannot have are not written
    #[arg(long, value_name = "N")]
    taxon: Option<u32>,

    /// Numbers of the taxa above the organism's, by which the ontology's constraints of taxa are told
    #[arg(
        long,
        value_name = "N,N,...",
        value_delimiter = ',',
        requires = "taxon"
    )]
    lineage: Vec<u32>,

    /// Database of the accessions
    #[arg(long, value_name = "NAME", default_value = UNIPROT)]
    database: String,

    /// Reference of the model, DOI:... or PMID:...
    #[arg(long, value_name = "ID", default_value = REFERENCE)]
    reference: String,

    /// Who says so, for gaf and gpad
    #[arg(long, value_name = "NAME", default_value = PROGRAM)]
    assigned_by: String,

    /// Write the ancestors of called terms too, not the most specific alone; cafa always has them, with their scores
    #[arg(long)]
    propagated: bool,

    /// Team of a submission to CAFA
    #[arg(long, value_name = "NAME", default_value = PROGRAM)]
    author: String,

    /// Number of the model in a submission to CAFA
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    model_number: u8,

    /// Key words of a submission to CAFA
    #[arg(
        long,
        value_name = "WORDS",
        value_delimiter = ',',
        default_value = "machine learning"
    )]
    keywords: Vec<String>,

    /// Only calls that something speaks for beside the model: a neighbour, a homologue or an InterPro entry
    #[arg(long)]
    corroborated_only: bool,

    #[command(flatten)]
    support: SupportArgs,
}

/// How often what happened.
#[derive(Default)]
pub(super) struct Counts {
    proteins: u64,
    calls: u64,
    moved: u64,
    other_taxon: u64,
    unknown: u64,
    uncalibrated: u64,
    /// Those that labels have.
    known: u64,
}

impl Counts {
    pub(super) fn report(&self, context: &Context, job: &Job<'_>) {
        if job.known_labels.is_some() {
            context.metric("calls_that_labels_have", self.known);
        }
        context.metric("proteins", self.proteins);
        context.metric("calls", self.calls);
        context.metric("uncalibrated_proteins", self.uncalibrated);
        context.metric("terms_moved_to_ancestors", self.moved);
        context.metric("terms_of_other_taxa", self.other_taxon);
        context.metric("terms_unknown_or_obsolete", self.unknown);
    }
}

impl CallArgs {
    /// Demands what a format needs.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`], naming what is missing.
    pub(super) fn check(&self, format: CallFormat, names: &Names) -> Result<()> {
        let needed = [
            ("--ontology", self.ontology.is_none()),
            ("--date", self.date.is_none()),
            ("--taxon", self.taxon.is_none()),
        ];
        if let Some((option, _)) = needed
            .iter()
            .find(|(_, missing)| format.traits.official && *missing)
        {
            return Err(Error::usage(format!(
                "the format '{}' needs {option}",
                format.name
            )));
        }
        let all = self.propagated || format.traits.scored;
        if !all && self.ontology.is_none() && !names.has_parents {
            return Err(Error::usage(
                "which terms are the most specific nobody says: give --ontology or --model, or ask for all by --propagated",
            ));
        }
        Ok(())
    }

    /// What the files say of themselves.
    pub(super) fn provenance(
        &self,
        ontology: Option<&Ontology>,
        sae: Option<&SaeIdentity>,
        calibrated: bool,
    ) -> Provenance {
        let sha256 = sae.map_or("", |sae| sae.sha256.as_str());
        Provenance {
            date: self.date,
            taxon: self.taxon,
            database: self.database.clone(),
            reference: self.reference.clone(),
            assigned_by: self.assigned_by.clone(),
            model: format!("{PROGRAM}:{}", sha256.get(..DIGITS).unwrap_or("unknown")),
            ontology: ontology.map_or(String::new(), |o| o.identity.version.clone()),
            submission: Submission {
                author: self.author.clone(),
                model: self.model_number,
                keywords: self.keywords.clone(),
            },
            calibrated,
        }
    }

    /// Reads the ontology, with the hierarchy along which terms imply others.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn ontology(&self, context: &Context) -> Result<Option<Terms>> {
        let Some(source) = &self.ontology else {
            return Ok(None);
        };
        let terms = Terms::read(context, source, Relations::IsAPartOf)?;
        let has_taxa = |term: &ontology::Term| {
            !term.only_in_taxon.is_empty() || !term.never_in_taxon.is_empty()
        };
        let constrains = terms.ontology.terms.iter().flatten().any(has_taxa);
        if constrains && self.taxon.is_some() && self.lineage.is_empty() {
            log::warn(
                "the ontology has constraints of taxa, of which those above --taxon are not told without --lineage",
            );
        }
        Ok(Some(terms))
    }

    /// Writes the calls of all tables.
    ///
    /// # Errors
    /// Where a table cannot be read or does not fit, or writing fails.
    pub(super) fn run(
        &self,
        context: &Context,
        job: &Job<'_>,
        writer: &mut dyn CallWriter,
    ) -> Result<Counts> {
        let taxa: Option<Vec<u32>> = self
            .taxon
            .map(|taxon| self.lineage.iter().copied().chain([taxon]).collect());
        let mut rules = (job.ontology)
            .map(|terms| Rules::new(&terms.ontology, &terms.hierarchy, taxa.as_deref()));
        let support = self.support.read(context, job.ontology)?;
        let mut counts = Counts::default();
        let mut whole = WholeProteins::default();
        writer.begin()?;
        for source in job.features {
            features(context, job, source, |row| {
                whole.next(&row.protein)?;
                let at = (row, source, &support);
                self.protein(job, rules.as_mut(), at, &mut counts, writer)
            })?;
            whole.end_of_table();
        }
        for source in &self.proteins {
            let table = context.open_table(source)?;
            let mut is_checked = false;
            let each = |info: &FeatureInfo, row: ProteinFeatures| {
                if !std::mem::replace(&mut is_checked, true) {
                    job.check(info.sae.as_ref(), source)?;
                }
                whole.next(&row.protein)?;
                let at = (&row, source, &support);
                self.protein(job, rules.as_mut(), at, &mut counts, writer)
            };
            proteins::read(table, each).map_err(source.in_input())?;
            whole.end_of_table();
        }
        writer.end()?;
        if counts.uncalibrated > 0 {
            log::warn(&format!(
                "{} proteins have no calls of a dictionary: scores are mean probabilities of the model, which are not calibrated",
                counts.uncalibrated
            ));
        }
        if let Some(rules) = rules {
            counts.moved = rules.counts.moved;
            counts.other_taxon = rules.counts.other_taxon;
            counts.unknown = rules.counts.unknown;
        }
        Ok(counts)
    }

    /// Writes the calls of a protein.
    fn protein(
        &self,
        job: &Job<'_>,
        rules: Option<&mut Rules<'_>>,
        (row, source, support): (&ProteinFeatures, &Source, &Support),
        counts: &mut Counts,
        writer: &mut dyn CallWriter,
    ) -> Result<()> {
        let mut calls = self.calls(job, rules, row, source, counts)?;
        support.note(&row.protein, &mut calls);
        if self.corroborated_only {
            calls.retain(|call| !call.corroborated_by.is_empty());
        }
        if let Some(known) = job.known_labels {
            let before = calls.len();
            calls.retain(|call| !known.has(&row.protein, &call.concept));
            counts.known += (before - calls.len()) as u64;
        }
        counts.proteins += 1;
        counts.calls += calls.len() as u64;
        let protein = ProteinCalls {
            protein: &row.protein,
            calls: &calls,
        };
        Ok(writer.protein(&protein)?)
    }

    /// The calls of a protein that are written.
    fn calls(
        &self,
        job: &Job<'_>,
        rules: Option<&mut Rules<'_>>,
        row: &ProteinFeatures,
        source: &Source,
        counts: &mut Counts,
    ) -> Result<Vec<Call>> {
        counts.uncalibrated += u64::from(row.calls.is_none());
        let mut said = Vec::new();
        for Candidate { at, concept, score } in candidates(row) {
            let names = &job.names.concepts;
            let named = names.get(concept as usize).ok_or_else(|| {
                Error::mismatch(format!(
                    "{source} names concept {concept}, the model or dictionary has {}",
                    names.len()
                ))
            })?;
            let is_call = named.kind == ConceptKind::Go || named.level == Level::Protein;
            let is_wanted = named.kind == ConceptKind::Go || !job.format.traits.terms_only;
            if is_call && is_wanted && score >= job.least(row) {
                said.push((concept, call(named, score, row.calls.as_ref(), at)));
            }
        }
        let all = self.propagated || job.format.traits.scored;
        let concepts = &job.names.concepts;
        let mut calls = match rules.zip(job.ontology) {
            Some((rules, terms)) => ruled(rules, &terms.ontology, concepts, said, all),
            None if all => said.into_iter().map(|(_, call)| call).collect(),
            None => most_specific(concepts, said),
        };
        calls.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| a.concept.cmp(&b.concept)));
        Ok(calls)
    }
}

/// The calls on the last row of each protein of a feature table.
fn features(
    context: &Context,
    job: &Job<'_>,
    source: &Source,
    mut each: impl FnMut(&ProteinFeatures) -> Result<()>,
) -> Result<()> {
    let reader = FeatureReader::new(context.open_table(source)?).map_err(source.in_input())?;
    job.check(reader.info().sae.as_ref(), source)?;
    let mut current = ProteinFeatures::default();
    for batch in reader {
        let batch = batch.map_err(source.in_input())?;
        let columns = batch.columns().map_err(source.in_input())?;
        for run in batch.runs() {
            let protein = batch.protein(run.start);
            if current.protein != protein {
                finish(&mut current, source, &mut each)?;
                protein.clone_into(&mut current.protein);
            }
            for row in run {
                if let Some(calls) = columns.calls(row) {
                    current.calls = Some(CallList {
                        concepts: calls.concepts.to_vec(),
                        probabilities: calls.probabilities.to_vec(),
                        neighbours: None,
                    });
                }
            }
        }
    }
    finish(&mut current, source, &mut each)
}

/// Hands a protein of a feature table over, which must have calls.
fn finish(
    current: &mut ProteinFeatures,
    source: &Source,
    each: &mut impl FnMut(&ProteinFeatures) -> Result<()>,
) -> Result<()> {
    let protein = std::mem::take(current);
    if protein.protein.is_empty() {
        return Ok(());
    }
    if protein.calls.is_none() {
        return Err(Error::mismatch(format!(
            "{source} has no calls of protein '{}': encode it with --dictionary, one that protsae-interpret made from \
             activations, or give --proteins",
            protein.protein
        )));
    }
    each(&protein)
}

/// What is written where, and from what.
pub(super) struct Job<'a> {
    pub(super) names: &'a Names,
    pub(super) ontology: Option<&'a Terms>,
    pub(super) format: CallFormat,
    pub(super) min_precision: Option<f64>,
    pub(super) identity: Option<&'a NamedSae>,
    /// Labels, where only what they lack is written.
    pub(super) known_labels: Option<&'a KnownLabels>,
    /// Feature tables, whose calls come first.
    pub(super) features: &'a [Source],
}

impl Job<'_> {
    /// Least score of a call that is written.
    fn least(&self, row: &ProteinFeatures) -> f64 {
        let default = match (self.format.traits.scored, row.calls.is_some()) {
            (true, _) => 0.0,
            (false, true) => MIN_PRECISION,
            (false, false) => UNCALIBRATED,
        };
        self.min_precision.unwrap_or(default)
    }

    fn check(&self, sae: Option<&SaeIdentity>, source: &Source) -> Result<()> {
        NamedSae::check(self.identity, sae, source)
    }
}

/// Plans the tables.
pub(super) fn plan<'a>(context: &Context, sources: impl Iterator<Item = &'a Source>) -> Result<()> {
    for source in sources {
        let table = context.open_table(source)?;
        let rows = table.rows().map_err(source.in_input())?;
        shared::plan_rows(source, rows, "proteins")?;
    }
    Ok(())
}
