//! The suite `function`: scores of function prediction, of a model or of files of predictions.

mod aspect;
mod curves;
mod files;
mod means;
mod methods;

pub(in crate::commands) use curves::COLUMNS as CURVE_COLUMNS;
pub(super) use means::{Mean, Means};

use super::{super::concepts::Propagation as Relations, groups::Groups};
use crate::{
    Error, Result,
    annot::{concept::ConceptsFile, go::cafa, label_index::LabelIndex},
    cli::{Context, Source, Target},
    commands::shared::Terms,
    error::Context as _,
    score::calls::Caller,
    score::function::{
        baseline,
        result::{Cell, Evaluator, Function, Normalization},
        terms::{Propagation, TermGraph},
    },
};
use aspect::Aspect;
use curves::Curve;
use std::collections::HashMap;

/// Default of `--bootstrap`.
const REPLICATES: usize = 1000;

/// Options of the suite `function`.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Suite 'function'")]
pub(super) struct FunctionArgs {
    /// Score these predictions in place of a model: lines of protein, term and score, or CAFA's submission layout;
    /// a method each, repeatable
    #[arg(long, value_name = "FILE", requires_all = ["truth", "ontology"], conflicts_with_all = ["input", "model"])]
    pub(super) predictions: Vec<Source>,

    /// What the proteins of --predictions have: lines of protein and term
    #[arg(long, value_name = "FILE")]
    truth: Option<Source>,

    /// Ontology of the terms, OBO or OBO Graphs [default for a model: the parents in its vocabulary]
    #[arg(long, value_name = "FILE.obo")]
    ontology: Option<Source>,

    /// What training proteins have, for information content and the baseline 'naive' beside --predictions: lines of protein
    /// and term; repeatable
    #[arg(long, value_name = "FILE", requires = "predictions")]
    training: Vec<Source>,

    /// Whose conventions hold: those of `DeepGO`'s family, or those of CAFA-evaluator
    #[arg(long, value_enum, value_name = "NAME", default_value = "deepgo")]
    evaluator: Evaluator,

    /// Relations along which terms propagate; all but `all` stay within a namespace
    #[arg(
        long,
        value_enum,
        value_name = "RELATIONS",
        default_value = "is_a+part_of"
    )]
    relations: Relations,

    /// Weights of terms, for --evaluator cafa: lines of term and information accretion
    #[arg(long, value_name = "FILE")]
    information_accretion: Option<Source>,

    /// Terms that are scored, for --evaluator cafa: one a line
    #[arg(long, value_name = "FILE")]
    terms_of_interest: Option<Source>,

    /// What was known of proteins before, for --evaluator cafa: lines of protein and term, which are not scored; scores are
    /// given for proteins of no, limited and partial knowledge too
    #[arg(long, value_name = "FILE", requires = "predictions")]
    known: Option<Source>,

    /// What sums over proteins are divided by, for --evaluator cafa
    #[arg(long, value_enum, value_name = "NAME", default_value = "cafa")]
    norm: Normalization,

    /// How scores rise to ancestors
    #[arg(long, value_enum, value_name = "NAME", default_value = "max")]
    prop: Propagation,

    /// Leave out terms without parents, for --evaluator cafa; deepgo never scores them
    #[arg(long)]
    no_orphans: bool,

    /// Methods beside each other, for a model [default: all that its inputs allow]
    #[arg(long, value_enum, value_name = "NAMES", value_delimiter = ',')]
    methods: Vec<Method>,

    /// Neighbours that the baseline 'neighbours' asks
    #[arg(long, value_name = "N", default_value_t = baseline::NEIGHBOURS as u32, value_parser = clap::value_parser!(u32).range(1..))]
    neighbours: u32,

    /// Replicates of the bootstrap for 95 % intervals; 0: none
    #[arg(long, value_name = "N", default_value_t = REPLICATES)]
    pub(super) bootstrap: usize,

    /// Also write the scores at each threshold
    #[arg(long, value_name = "FILE.tsv")]
    curves: Option<Target>,
}

/// Ways to score terms for a protein, of a model or beside it.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Mean over residues of the concepts' probabilities.
    Pi,
    /// Mean over residues of the concepts' logits, as a probability.
    Logit,
    /// The probability that a call is right, by --dictionary.
    Calls,
    /// Logistic regression on the mean activations of the latents.
    LatentProbe,
    /// The latent that ranks validation proteins best, its log-odds fitted to training proteins.
    BestLatent,
    /// Logistic regression on the mean activations of the PLM.
    LinearProbe,
    /// Terms of the training proteins whose mean activations of the PLM are nearest.
    Neighbours,
    /// Frequency of the term among training proteins.
    Naive,
}

/// What holds for all aspects.
pub(super) struct Setting<'a> {
    args: &'a FunctionArgs,
    seed: u64,
    weights: Option<HashMap<String, f64>>,
    of_interest: Option<Vec<String>>,
    groups: Groups,
    ontology: Option<Terms>,
}

/// Scores, and the curves behind them.
#[derive(Default)]
struct Scored {
    cells: Vec<Cell>,
    curves: Vec<Curve>,
}

impl FunctionArgs {
    /// Reads what all aspects need.
    ///
    /// # Errors
    /// Where options contradict each other, or an input cannot be read.
    pub(super) fn setting<'a>(&'a self, context: &Context, groups: Groups) -> Result<Setting<'a>> {
        let of_cafa = [
            (
                "--information-accretion",
                self.information_accretion.is_some(),
            ),
            ("--terms-of-interest", self.terms_of_interest.is_some()),
            ("--known", self.known.is_some()),
            ("--no-orphans", self.no_orphans),
            ("--norm", self.norm != Normalization::Cafa),
        ];
        if self.evaluator == Evaluator::Deepgo
            && let Some((option, _)) = of_cafa.iter().find(|(_, given)| *given)
        {
            return Err(Error::usage(format!("{option} needs --evaluator cafa")));
        }
        if self.evaluator == Evaluator::Cafa && self.ontology.is_none() {
            return Err(Error::usage(
                "--evaluator cafa needs --ontology: roots are no concepts of a vocabulary",
            ));
        }
        let weights = match &self.information_accretion {
            Some(source) => {
                let read = cafa::read_weights(context.open(source)?);
                Some(read.map_err(source.in_input())?.into_iter().collect())
            }
            None => None,
        };
        let of_interest = match &self.terms_of_interest {
            Some(source) => {
                Some(cafa::read_terms(context.open(source)?).map_err(source.in_input())?)
            }
            None => None,
        };
        let ontology = match &self.ontology {
            Some(source) => Some(Terms::read(context, source, self.relations.into())?),
            None => None,
        };
        Ok(Setting {
            args: self,
            seed: context.seed(),
            weights,
            of_interest,
            groups,
            ontology,
        })
    }
}

/// Scores of files of predictions.
pub(super) struct ScoredFiles {
    pub(super) function: Function,
    /// Proteins that have a truth.
    pub(super) proteins: usize,
}

impl Setting<'_> {
    /// Scores files of predictions.
    ///
    /// # Errors
    /// Where an input cannot be read.
    pub(super) fn score_files(&self, context: &Context) -> Result<ScoredFiles> {
        let mut scored = Scored::default();
        let proteins = files::score(self, context, &mut scored)?;
        Ok(ScoredFiles {
            function: self.finish(context, scored)?,
            proteins,
        })
    }

    /// Scores a model and its baselines, by sorted means.
    ///
    /// # Errors
    /// Where the vocabulary's parents are no hierarchy.
    pub(super) fn score_model(
        &self,
        context: &Context,
        means: &Means,
        (concepts, labels): (&ConceptsFile, &LabelIndex),
        caller: Option<Caller>,
    ) -> Result<Function> {
        let mut scored = Scored::default();
        methods::score(self, means, (concepts, labels), caller, &mut scored)?;
        self.finish(context, scored)
    }

    fn finish(&self, context: &Context, scored: Scored) -> Result<Function> {
        if let Some(target) = &self.args.curves {
            let mut out = context.create(target)?;
            curves::write(&scored.curves, &mut out).during(&target.to_string())?;
            out.commit()?;
        }
        Ok(Function {
            evaluator: self.args.evaluator,
            normalization: self.args.norm,
            propagation: self.args.prop,
            clustered: self.groups.are_clusters(),
            replicates: self.args.bootstrap,
            cells: scored.cells,
        })
    }

    /// The graphs of the aspects of an ontology, by namespace.
    fn graphs(&self) -> Result<Vec<(String, TermGraph)>> {
        let Some(Terms {
            ontology,
            hierarchy,
        }) = &self.ontology
        else {
            return Ok(Vec::new());
        };
        let mut names = ontology.used_namespaces();
        names.sort_unstable();
        // CAFA-evaluator knows alternative ids alone
        let follow = self.args.evaluator == Evaluator::Deepgo;
        let graph = |name: &str| {
            let graph = TermGraph::of_namespace(ontology, hierarchy, name, follow)?;
            Ok((name.to_owned(), graph))
        };
        names.into_iter().map(graph).collect()
    }
}
