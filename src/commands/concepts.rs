//! `protsae-concepts`: ontology and annotations to a vocabulary of concepts and a table of labels.

mod multiqc;
mod reading;
mod warnings;
mod writing;

use super::{feature_keys::FeatureKeys, split::write_split};
use crate::{
    Error, Result,
    annot::{
        collect::{Collector, Settings},
        concept::ConceptKind,
        evidence::EvidenceFilter,
        feature::PARTIAL,
        format::Format,
        vocabulary::{AxiomScope, Choice, DEFAULT_MIN_COUNT, Terminology, Vocabulary},
    },
    cli::{
        CommonArgs, Context, Source, Target, Tool,
        args::{OnBad, OnBadArgs},
    },
    error::Context as _,
    ontology::{
        Ontology,
        graph::{Hierarchy, Relations},
    },
    split::stratification::Fractions,
};
use clap::{Parser, ValueEnum};
use writing::{Set, Together, Written};

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
    /// Ontology in OBO format (1.2 or 1.4) or as OBO Graphs JSON; needed where GO annotations are read
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

    /// ECO's gaf-eco-mapping-derived.txt: GO codes of ECO ids that --evidence does not know by itself
    #[arg(long, value_name = "FILE")]
    pub eco_mapping: Option<Source>,

    /// Where the vocabulary goes
    #[arg(long, value_name = "FILE.json")]
    pub concepts: Target,

    /// Where the labels go
    #[arg(short, long, value_name = "FILE.arrow", default_value = "-")]
    pub output: Target,

    /// Also deal the labelled proteins out to train, valid and test, as protsae-split does: proteins of one sequence,
    /// by --sequences or by annotations that hold sequences or their checksums, stay together
    #[arg(long, value_name = "FILE.tsv")]
    pub split: Option<Target>,

    /// Clusters of homologues, which the split keeps whole: MMseqs2's two columns or CD-HIT's .clstr; repeatable
    #[arg(long, value_name = "FILE")]
    pub clusters: Vec<Source>,

    /// Shares of train, valid and test
    #[arg(long, value_name = "A,B,C", default_value_t)]
    pub fractions: Fractions,

    /// Also write the sequences of the labelled proteins, from --sequences or from annotations that hold them
    #[arg(long, value_name = "FILE.fasta")]
    pub write_sequences: Option<Target>,

    /// Kinds of concepts
    #[arg(
        long,
        value_enum,
        value_name = "KINDS",
        value_delimiter = ',',
        default_value = "go,interpro,feature,keyword"
    )]
    pub kinds: Vec<Kind>,

    /// Namespaces of the ontology: bp, mf, cc or full names (default: all)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub namespace: Vec<String>,

    /// Write a vocabulary, labels, split and sequences for each namespace: labels.arrow becomes labels.mf.arrow, ...
    #[arg(long)]
    pub by_namespace: bool,

    /// Relations along which annotations propagate; all but `all` stay within a namespace
    #[arg(
        long,
        value_enum,
        value_name = "RELATIONS",
        default_value = "is_a+part_of"
    )]
    pub relations: Propagation,

    /// Evidence to take: any, experimental, curated, or a list of GO codes and ECO ids; features, matches and
    /// keywords that have none are taken too, and counted. A curator's inference (IC) is experimental for GO alone
    #[arg(long, value_name = "EVIDENCE", default_value_t)]
    pub evidence: EvidenceFilter,

    /// Proteins that a concept needs, after propagation
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MIN_COUNT)]
    pub min_count: u64,

    /// Keys of features that are given only where there is a structure, so that absence elsewhere says nothing; or none
    #[arg(long, value_name = "KEYS", default_value_t = FeatureKeys::of(&PARTIAL))]
    pub partial_features: FeatureKeys,

    /// Axioms to write: all of the ontology, those that say something about a concept, or none
    #[arg(long, value_enum, value_name = "WHICH", default_value = "all")]
    pub axioms: Axioms,

    /// Axioms in normal form (go.norm of the `DeepGO` family) in place of the ontology's own
    #[arg(long, value_name = "FILE.norm")]
    pub normal_forms: Option<Source>,

    /// Keep ids like `sp|P12345|NAME` as they are
    #[arg(long)]
    pub raw_ids: bool,

    /// Also write a table of what was read and dropped for MultiQC
    #[arg(long, value_name = "FILE_mqc.json")]
    pub multiqc: Option<Target>,

    /// Name that stands before the files' in that table, where several runs share one report
    #[arg(long, requires = "multiqc", value_name = "NAME")]
    pub sample_name: Option<String>,

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

impl From<Propagation> for Relations {
    fn from(propagation: Propagation) -> Self {
        match propagation {
            Propagation::IsA => Self::IsA,
            Propagation::IsAPartOf => Self::IsAPartOf,
            Propagation::All => Self::All,
        }
    }
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

    fn patterns(&self) -> Vec<Target> {
        let all = self.targets().filter(|_| self.by_namespace);
        all.cloned().collect()
    }

    fn run(&self, context: &Context) -> Result<()> {
        self.check()?;
        let ontology = self.read_ontology(context)?;
        let sets = self.sets(ontology.as_ref())?;
        for set in sets.iter().filter(|_| self.by_namespace) {
            context.expect(self.targets().map(|target| set.target(target)))?;
        }
        let hierarchy = self.hierarchy(ontology.as_ref())?;
        let collector = self.collect(context)?;
        let terminology = ontology
            .as_ref()
            .zip(hierarchy.as_ref())
            .filter(|_| self.kinds.contains(&Kind::Go))
            .map(|(ontology, hierarchy)| Terminology {
                ontology,
                hierarchy,
            });
        let mut choice = self.choice(context, &sets[0])?;
        let together = self.together(context, &collector)?;
        let mut vocabulary = Vocabulary::new(collector, terminology, &choice)?;
        let inputs = std::mem::take(&mut vocabulary.inputs);
        warnings::warn_about_inputs(&inputs);
        warnings::warn_about_terms(&vocabulary);
        let mut written = Written::default();
        for set in &sets {
            if choice.namespaces != set.namespaces {
                choice.namespaces.clone_from(&set.namespaces);
                vocabulary.choose(&choice);
            }
            self.write(context, &mut vocabulary, set, &together, &mut written)?;
        }
        written.commit(context)?;
        context.metric("inputs", &inputs);
        if let (Some(ontology), Some(hierarchy)) = (&ontology, &hierarchy) {
            context.metric("ontology", &ontology.counts);
            context.metric("hierarchy", &hierarchy.counts);
        }
        if let Some(target) = self.multiqc.as_ref().filter(|_| !context.is_dry_run()) {
            context.write_json(
                target,
                &multiqc::table(self.sample_name.as_deref(), &inputs),
            )?;
        }
        Ok(())
    }
}

impl Args {
    /// The hierarchy along which annotations propagate, where there is an ontology.
    fn hierarchy(&self, ontology: Option<&Ontology>) -> Result<Option<Hierarchy>> {
        let Some(ontology) = ontology else {
            return Ok(None);
        };
        let source = self.ontology.as_ref().map(ToString::to_string);
        let hierarchy = Hierarchy::new(ontology, self.relations.into());
        Ok(Some(hierarchy.during(&source.unwrap_or_default())?))
    }

    /// Reads all that is said of proteins.
    fn collect(&self, context: &Context) -> Result<Collector> {
        let mut collector = Collector::new(Settings {
            kinds: self.kinds.iter().map(|&kind| kind.into()).collect(),
            evidence: self.evidence.clone(),
            skip_bad: self.on_bad.on_bad == OnBad::Skip,
            raw_ids: self.raw_ids,
        });
        if self.write_sequences.is_some() {
            collector.keep_sequences();
        }
        collector.set_references(self.read_references(context)?);
        self.read_sequences(context, &mut collector)?;
        self.read_annotations(context, &mut collector)?;
        Ok(collector)
    }

    /// Which candidates become concepts of the first set.
    fn choice(&self, context: &Context, set: &Set) -> Result<Choice> {
        Ok(Choice {
            min_count: self.min_count.max(1),
            namespaces: set.namespaces.clone(),
            axioms: match self.axioms {
                Axioms::All => AxiomScope::All,
                Axioms::Module => AxiomScope::Module,
                Axioms::None => AxiomScope::None,
            },
            normal_forms: self.read_normal_forms(context)?,
            partial_features: self.partial_features.keys().to_vec(),
        })
    }

    /// What a split keeps together, of the proteins that were read.
    fn together(&self, context: &Context, collector: &Collector) -> Result<Together> {
        let is_protein = |name: &str| collector.knows(name);
        let clusters =
            write_split::read_clusters(context, &self.clusters, self.raw_ids, is_protein)?;
        Ok(Together {
            clusters,
            identical: match &self.split {
                Some(_) => collector.identical(),
                None => Vec::new(),
            },
            sequences_known: collector.knows_sequences(),
        })
    }

    /// What is written for each set of concepts.
    fn targets(&self) -> impl Iterator<Item = &Target> {
        [&self.concepts, &self.output]
            .into_iter()
            .chain(&self.split)
            .chain(&self.write_sequences)
    }

    fn check(&self) -> Result<()> {
        let inputs = self
            .annotations
            .iter()
            .chain(&self.sequences)
            .chain(&self.ontology)
            .chain(&self.interpro2go)
            .chain(&self.interpro_entries)
            .chain(&self.interpro_tree)
            .chain(&self.keyword_list)
            .chain(&self.eco_mapping)
            .chain(&self.normal_forms)
            .chain(&self.clusters);
        if inputs.filter(|source| **source == Source::Stdin).count() > 1 {
            return Err(Error::usage("standard input (-) can be read only once"));
        }
        if self.annotations.is_empty() && !self.kinds.contains(&Kind::Residue) {
            return Err(Error::usage("no --annotations to read labels from"));
        }
        if self.kinds.contains(&Kind::Residue) && self.sequences.is_empty() {
            return Err(Error::usage("--kinds residue needs --sequences"));
        }
        if !self.clusters.is_empty() && self.split.is_none() {
            return Err(Error::usage("--clusters are of no use without --split"));
        }
        if self.by_namespace && self.targets().any(|target| *target == Target::Stdout) {
            return Err(Error::usage(
                "--by-namespace writes several files: name them, with --concepts and -o",
            ));
        }
        let mut files = self.targets().filter_map(Target::path);
        if self.by_namespace && files.any(|path| path.to_str().is_none()) {
            return Err(Error::usage(
                "--by-namespace makes names of files of those given, which must be UTF-8",
            ));
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
}
