//! `protsae-concepts`: ontology and annotations to a vocabulary of concepts and a table of labels.

use crate::{
    Error, Result,
    annot::{
        collect::{Collector, InputReport, Settings},
        concept::ConceptKind,
        evidence::EvidenceFilter,
        format::{self, Format},
        reference::References,
        vocabulary::{AxiomScope, Choice, DEFAULT_MIN_COUNT, Terminology, Vocabulary},
    },
    cli::{
        CommonArgs, Context, Source, Tool,
        args::{OnBad, OnBadArgs},
        log,
        output::Target,
    },
    error::Context as _,
    ontology::{
        Ontology,
        graph::{Hierarchy, Relations},
        obo,
    },
    seq::fasta,
    table::labels,
};
use clap::{Parser, ValueEnum};
use std::io::Write;

const EXAMPLE: &str = "Example:
  protsae-concepts --ontology go-basic.obo.gz --annotations goa_yeast.gaf.gz --annotations features.csv \\
    --sequences yeast.fasta.gz --min-count 20 --concepts concepts.json -o labels.arrow";

/// Read ontologies and annotations; write a vocabulary of concepts and a table of labels.
///
/// GO annotations propagate to the ancestors of their terms. Features, InterPro matches and amino acids
/// label residues, GO terms and keywords whole proteins. Concepts are what enough proteins have.
#[derive(Parser, Clone, Debug)]
#[command(name = "protsae-concepts", version, after_help = EXAMPLE)]
pub struct Args {
    /// Ontology in OBO format (1.2 or 1.4); needed where GO annotations are read
    #[arg(long, value_name = "FILE.obo")]
    pub ontology: Option<Source>,

    /// Annotations of any kind that is told from content; repeatable, `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub annotations: Vec<Source>,

    /// Format of the annotations: once for all files, or once for each (default: told from content)
    #[arg(long, value_name = "FORMAT")]
    pub annotation_format: Vec<Format>,

    /// Proteins to restrict to; labels must lie within them. Repeatable
    #[arg(long, value_name = "FASTA")]
    pub sequences: Vec<Source>,

    /// Mapping of InterPro entries or Pfam families to GO (interpro2go, pfam2go); repeatable
    #[arg(long, value_name = "FILE")]
    pub interpro2go: Vec<Source>,

    /// InterPro's entry.list: types and names of entries
    #[arg(long, value_name = "FILE")]
    pub interpro_entries: Option<Source>,

    /// InterPro's ParentChildTreeFile.txt: matches propagate along it, and it gives axioms
    #[arg(long, value_name = "FILE")]
    pub interpro_tree: Option<Source>,

    /// UniProt's keywlist.txt: accessions of keywords that files give by name
    #[arg(long, value_name = "FILE")]
    pub keyword_list: Option<Source>,

    /// Where the vocabulary goes
    #[arg(long, value_name = "FILE.json")]
    pub concepts: Target,

    /// Where the labels go
    #[arg(short, long, value_name = "FILE.arrow", default_value = "-")]
    pub output: Target,

    /// Kinds of concepts
    #[arg(long, value_enum, value_name = "KINDS", value_delimiter = ',', default_values_t = [
        Kind::Go, Kind::Interpro, Kind::Feature, Kind::Keyword,
    ])]
    pub kinds: Vec<Kind>,

    /// Namespaces of the ontology: bp, mf, cc or full names (default: all)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub namespace: Vec<String>,

    /// Relations along which annotations propagate; all but `all` stay within a namespace
    #[arg(
        long,
        value_enum,
        value_name = "RELATIONS",
        default_value = "is_a+part_of"
    )]
    pub relations: Propagation,

    /// Evidence to take: any, experimental, curated, or a list of GO codes and ECO ids
    #[arg(long, value_name = "EVIDENCE", default_value_t)]
    pub evidence: EvidenceFilter,

    /// Proteins that a concept needs, after propagation
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MIN_COUNT)]
    pub min_count: u64,

    /// Axioms to write: all of the ontology, those that say something about a concept, or none
    #[arg(long, value_enum, value_name = "WHICH", default_value = "all")]
    pub axioms: Axioms,

    /// Keep ids like `sp|P12345|NAME` as they are
    #[arg(long)]
    pub raw_ids: bool,

    /// What to do with bad records.
    #[command(flatten)]
    pub on_bad: OnBadArgs,

    /// What all executables have.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A kind of concept, as an option.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Terms of the ontology.
    Go,
    /// Entries of `InterPro`.
    Interpro,
    /// Features of `UniProt`.
    Feature,
    /// Keywords of `UniProt`.
    Keyword,
    /// Amino acids.
    Residue,
}

impl From<Kind> for ConceptKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Go => Self::Go,
            Kind::Interpro => Self::Interpro,
            Kind::Feature => Self::Feature,
            Kind::Keyword => Self::Keyword,
            Kind::Residue => Self::Residue,
        }
    }
}

/// Relations of propagation, as an option.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// `is_a` alone.
    #[value(name = "is_a")]
    IsA,
    /// `is_a` and `part_of` within a namespace.
    #[value(name = "is_a+part_of")]
    IsAPartOf,
    /// All relationships, across namespaces.
    #[value(name = "all")]
    All,
}

/// Which axioms to write, as an option.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axioms {
    /// All of the ontology.
    All,
    /// The locality module of the concepts.
    Module,
    /// None.
    None,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-concepts";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        self.check()?;
        let ontology = self.read_ontology(context)?;
        let hierarchy = match &ontology {
            Some(ontology) => {
                let relations = match self.relations {
                    Propagation::IsA => Relations::IsA,
                    Propagation::IsAPartOf => Relations::IsAPartOf,
                    Propagation::All => Relations::All,
                };
                let source = self.ontology.as_ref().map(ToString::to_string);
                Some(Hierarchy::new(ontology, relations).during(&source.unwrap_or_default())?)
            }
            None => None,
        };
        let mut collector = Collector::new(Settings {
            kinds: self.kinds.iter().map(|&kind| kind.into()).collect(),
            evidence: self.evidence.clone(),
            skip_bad: self.on_bad.on_bad == OnBad::Skip,
            raw_ids: self.raw_ids,
        });
        collector.set_references(self.read_references(context)?);
        self.read_sequences(context, &mut collector)?;
        self.read_annotations(context, &mut collector)?;
        let inputs = std::mem::take(&mut collector.reports);
        warn_about_inputs(&inputs);
        let terminology = ontology
            .as_ref()
            .zip(hierarchy.as_ref())
            .filter(|_| self.kinds.contains(&Kind::Go))
            .map(|(ontology, hierarchy)| Terminology {
                ontology,
                hierarchy,
            });
        let choice = Choice {
            min_count: self.min_count.max(1),
            namespaces: self.namespaces(ontology.as_ref())?,
            axioms: match self.axioms {
                Axioms::All => AxiomScope::All,
                Axioms::Module => AxiomScope::Module,
                Axioms::None => AxiomScope::None,
            },
        };
        let mut vocabulary = Vocabulary::new(collector, terminology, &choice)?;
        self.write(context, &mut vocabulary)?;
        context.metric("inputs", &inputs);
        if let (Some(ontology), Some(hierarchy)) = (&ontology, &hierarchy) {
            context.metric("ontology", &ontology.counts);
            context.metric("hierarchy", &hierarchy.counts);
        }
        context.metric("vocabulary", &vocabulary.report);
        context.metric("axioms", count_axioms(&vocabulary));
        report(&vocabulary);
        Ok(())
    }
}

impl Args {
    fn check(&self) -> Result<()> {
        let inputs = self
            .annotations
            .iter()
            .chain(&self.sequences)
            .chain(&self.ontology)
            .chain(&self.interpro2go)
            .chain(&self.interpro_entries)
            .chain(&self.interpro_tree)
            .chain(&self.keyword_list);
        if inputs.filter(|source| **source == Source::Stdin).count() > 1 {
            return Err(Error::usage("standard input (-) can be read only once"));
        }
        if self.annotations.is_empty() && !self.kinds.contains(&Kind::Residue) {
            return Err(Error::usage("no --annotations to read labels from"));
        }
        if self.kinds.contains(&Kind::Residue) && self.sequences.is_empty() {
            return Err(Error::usage("--kinds residue needs --sequences"));
        }
        let formats = self.annotation_format.len();
        if formats > 1 && formats != self.annotations.len() {
            return Err(Error::usage(format!(
                "--annotation-format is given {formats} times for {} --annotations: give it once, or once for each",
                self.annotations.len()
            )));
        }
        Ok(())
    }

    fn read_ontology(&self, context: &Context) -> Result<Option<Ontology>> {
        let Some(source) = &self.ontology else {
            return Ok(None);
        };
        let ontology = obo::read(context.open(source)?).map_err(source.blame())?;
        log::detail(&format!(
            "{source}: {} terms, {} of them obsolete",
            ontology.counts.terms, ontology.counts.obsolete
        ));
        Ok(Some(ontology))
    }

    fn read_references(&self, context: &Context) -> Result<References> {
        let mut references = References::default();
        for source in &self.interpro2go {
            let reader = context.open(source)?;
            references
                .read_external2go(reader)
                .map_err(source.blame())?;
        }
        if let Some(source) = &self.interpro_entries {
            let reader = context.open(source)?;
            references.read_entries(reader).map_err(source.blame())?;
        }
        // a tree without its entries would only make axioms about nothing
        if let Some(source) = self
            .interpro_tree
            .as_ref()
            .filter(|_| self.kinds.contains(&Kind::Interpro))
        {
            let reader = context.open(source)?;
            references.read_tree(reader).map_err(source.blame())?;
        }
        if let Some(source) = &self.keyword_list {
            let reader = context.open(source)?;
            references.read_keywords(reader).map_err(source.blame())?;
        }
        Ok(references)
    }

    /// Full names of the namespaces asked for.
    fn namespaces(&self, ontology: Option<&Ontology>) -> Result<Vec<String>> {
        let names: Vec<String> = self
            .namespace
            .iter()
            .map(|name| match name.to_ascii_lowercase().as_str() {
                "bp" | "bpo" | "p" => "biological_process".to_owned(),
                "mf" | "mfo" | "f" => "molecular_function".to_owned(),
                "cc" | "cco" | "c" => "cellular_component".to_owned(),
                _ => name.clone(),
            })
            .collect();
        if let Some(ontology) = ontology
            && let Some(name) = names
                .iter()
                .find(|name| !ontology.namespaces.contains(name))
        {
            return Err(Error::usage(format!(
                "the ontology has no namespace {name:?}; it has {}",
                ontology.namespaces.join(", ")
            )));
        }
        Ok(names)
    }

    fn read_sequences(&self, context: &Context, collector: &mut Collector) -> Result<()> {
        if self.sequences.is_empty() {
            return Ok(());
        }
        collector.restrict_to_sequences();
        let mut skipped = 0u64;
        for source in &self.sequences {
            for protein in fasta::Reader::new(context.open(source)?, self.raw_ids) {
                match protein {
                    Ok(protein) => collector.add_sequence(&protein.accession, &protein.sequence),
                    Err(error) if self.on_bad.on_bad == OnBad::Skip && error.is_of_one_record() => {
                        skipped += 1;
                        log::warn(&format!("{source}: skipped: {error}"));
                    }
                    Err(error) => return Err(source.blame()(error)),
                }
            }
        }
        context.metric("sequences", collector.protein_count());
        context.metric("sequences_skipped", skipped);
        Ok(())
    }

    fn read_annotations(&self, context: &Context, collector: &mut Collector) -> Result<()> {
        for (i, source) in self.annotations.iter().enumerate() {
            let format = self
                .annotation_format
                .get(i)
                .or(self.annotation_format.first());
            let name = source.path().and_then(|path| path.file_name()).map_or_else(
                || "-".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            );
            let reader = context.open(source)?;
            let found =
                format::read(reader, format.copied(), &name, collector).map_err(source.blame())?;
            log::detail(&format!(
                "{source}: read as {}",
                found.map_or("nothing", Format::as_str)
            ));
        }
        Ok(())
    }

    fn write(&self, context: &Context, vocabulary: &mut Vocabulary<'_>) -> Result<()> {
        if context.is_dry_run() {
            let mut labels = 0_u64;
            vocabulary.labels(|_| {
                labels += 1;
                Ok::<_, Error>(())
            })?;
            let concepts = vocabulary.file.concepts.len();
            return Ok(log::plan(&format!("{concepts} concepts, {labels} labels"))?);
        }
        let mut output = context.create(&self.concepts)?;
        vocabulary
            .file
            .write(&mut output)
            .during(&self.concepts.to_string())?;
        let labels_output = context.create(&self.output)?;
        let container = self.output.container();
        let mut writer =
            labels::Writer::new(labels_output, container).during(&self.output.to_string())?;
        vocabulary
            .labels(|label| writer.push(label))
            .during(&self.output.to_string())?;
        let labels_output = writer.finish().during(&self.output.to_string())?;
        output.flush().during(&self.concepts.to_string())?;
        labels_output.commit()?;
        output.commit()
    }
}

/// Says what of the inputs is no label and why, where that is likely to surprise.
fn warn_about_inputs(inputs: &[InputReport]) {
    for input in inputs {
        if input.records == 0 {
            log::warn(&format!("{}: no annotations in it", input.input));
            continue;
        }
        let dropped: Vec<String> = input
            .dropped
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        log::info(&format!(
            "{} ({}): {} records, {} labels{}{}",
            input.input,
            input.format,
            input.records,
            input.kept,
            if dropped.is_empty() {
                ""
            } else {
                "; left out: "
            },
            dropped.join(", ")
        ));
        for bad in &input.bad {
            log::warn(&format!("{}: skipped: {bad}", input.input));
        }
        if input.unknown_evidence > 0 {
            log::warn(&format!(
                "{}: {} annotations have an evidence that is no GO code",
                input.input, input.unknown_evidence
            ));
        }
        if input.kept == 0 {
            log::warn(&format!(
                "{}: none of its annotations became a label",
                input.input
            ));
        }
    }
}

fn count_axioms(vocabulary: &Vocabulary<'_>) -> serde_json::Value {
    let file = &vocabulary.file;
    serde_json::json!({
        "zero_classes": file.zero_classes.len(),
        "relations": file.relations.len(),
        "nf1": file.axioms.nf1.len(),
        "nf2": file.axioms.nf2.len(),
        "nf3": file.axioms.nf3.len(),
        "nf4": file.axioms.nf4.len(),
        "disjoint": file.axioms.disjoint.len(),
    })
}

fn report(vocabulary: &Vocabulary<'_>) {
    let report = &vocabulary.report;
    if report.unknown_ids > 0 {
        log::warn(&format!(
            "{} ids are not in the ontology ({} annotations left out): {}{}",
            report.unknown_ids,
            report.unknown_dropped,
            report.unknown_listed.join(", "),
            if report.unknown_ids > report.unknown_listed.len() as u64 {
                ", ..."
            } else {
                ""
            }
        ));
    }
    if vocabulary.file.concepts.is_empty() {
        log::warn("no concept has enough proteins; see --min-count");
    }
    log::info(&format!(
        "{} concepts, {} labels of {} proteins",
        vocabulary.file.concepts.len(),
        report.labels,
        report.labelled_proteins
    ));
}
