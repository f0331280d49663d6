//! The course of scoring one model: what its suites need is opened, the tables are read once, and everything is scored.

use super::{
    Args, Suite,
    alignment::{Aligned, Aligner},
    control::{self, ControlChoice, KnownNeurons, Neurons, RandomSae},
    disentanglement::{self, TestProteins},
    function::{self, Means},
    groups::Groups,
    held_out::{HeldOut, Known, Maxima},
    loss::{LossScorer, PlmLosses},
    probing,
    ranges::RangeScorer,
    reading::{self, Model, Pass, check_whole, plan},
    rows::{Collector, PartRows},
};
use crate::{
    Error, Result,
    annot::{concept::ConceptsFile, label_index::LabelIndex},
    cli::{Context, Source},
    commands::shared,
    sae::Sae,
    score::{
        calls::Caller,
        dictionary::ConceptEntry,
        metrics::{Alignment, Control, ControlKind, Metrics},
        range_metrics::RangeMetrics,
    },
    split::partition::Partition,
    table::activations::ActivationReader,
};
use clap::ValueEnum as _;
use std::path::Path;

/// What a model is scored on.
struct Inputs<'a> {
    concepts: ConceptsFile,
    labels: Option<LabelIndex>,
    setting: Option<function::Setting<'a>>,
    split: Option<Partition>,
    readers: Vec<(&'a Source, ActivationReader)>,
    dictionary: Option<Vec<ConceptEntry>>,
    groups: Groups,
}

/// What is found of the tables and the PLM once for all models.
#[derive(Default)]
pub(super) struct AcrossModels {
    losses: Option<PlmLosses>,
    neurons: Option<KnownNeurons>,
}

/// What gathers proteins, each for what it scores at the end.
struct Scorers<'a> {
    aligner: Option<Aligner<'a>>,
    ranges: Option<RangeScorer<'a>>,
    loss: Option<LossScorer<'a>>,
    means: Option<Means>,
    proteins: Option<TestProteins>,
    seeks_maxima: bool,
}

impl Scorers<'_> {
    /// Whether training proteins are read too.
    fn read_training(&self) -> bool {
        self.seeks_maxima || self.means.is_some()
    }

    /// Whether letters of residues are read.
    fn read_residues(&self) -> bool {
        self.ranges.is_some() || self.aligner.is_some() || self.loss.is_some()
    }

    fn protein(&mut self, rows: &PartRows) -> Result<()> {
        if let Some(means) = &mut self.means {
            means.add(rows);
        }
        if let Some(proteins) = &mut self.proteins {
            proteins.add(rows);
        }
        self.aligner.as_mut().map_or(Ok(()), |a| a.protein(rows))?;
        self.loss.as_mut().map_or(Ok(()), |l| l.protein(rows))?;
        self.ranges.as_mut().map_or(Ok(()), |r| r.protein(rows))
    }
}

impl Args {
    fn asks(&self, suite: Suite) -> bool {
        self.suite.contains(&suite)
    }

    /// Scores a model; none in a dry run.
    pub(super) fn score_model(
        &self,
        context: &Context,
        folder: &Path,
        across: &mut AcrossModels,
    ) -> Result<Option<(Sae, Metrics)>> {
        let sae = shared::load_model(context, folder)?;
        let Some(inputs) = self.inputs(context, &sae, folder)? else {
            return Ok(None);
        };
        let model = Model { sae: &sae, folder };
        let metrics = self.course(context, model, inputs, across)?;
        Ok(Some((sae, metrics)))
    }

    /// Reads all tables through the model and its untrained twin, and scores both.
    fn course(
        &self,
        context: &Context,
        model: Model<'_>,
        mut inputs: Inputs<'_>,
        across: &mut AcrossModels,
    ) -> Result<Metrics> {
        let whole = inputs.are_whole();
        let readers = std::mem::take(&mut inputs.readers);
        let (sae, split, known) = (model.sae, inputs.split.as_ref(), inputs.known(whole));
        let caller = inputs.dictionary.as_deref().map(Caller::new).transpose()?;
        let dictionary = inputs.dictionary.as_ref();
        let losses = across.losses.take();
        let mut scorers = self.scorers(context, model, known, dictionary, losses)?;
        let twin = self.twin(context, sae);
        let mut random = (twin.as_ref().zip(known)).map(|(twin, known)| self.random(twin, known));
        let (fidelity, training) = (self.asks(Suite::Fidelity), scorers.read_training());
        let mut collector = Collector::new(sae, split, fidelity, training);
        collector.with_residues = scorers.read_residues();
        let each = |rows: &PartRows| scorers.protein(rows);
        let mut passes = vec![Pass::new(sae, &mut collector, each)];
        passes.extend(random.as_mut().map(RandomSae::pass));
        reading::read(readers, passes)?;
        self.check_unlisted(context, &collector)?;
        let mut metrics = self.measured(sae, split, &mut collector);
        let (seed, groups) = (context.seed(), &inputs.groups);
        if let Some(loss) = scorers.loss {
            let (scores, losses) = loss.finish(groups, self.function.bootstrap, seed)?;
            metrics.loss_recovered = Some(scores);
            across.losses = Some(losses);
        }
        let Some(known) = known else {
            return Ok(metrics);
        };
        if let Some(ranges) = scorers.ranges {
            let aligner = scorers.aligner.as_ref();
            let maxima = aligner.map_or(&sae.latent_max, |a| &a.held_out.maxima);
            metrics.ranges =
                Some(self.ranges(context, known.concepts, ranges, maxima, random.as_mut())?);
        }
        if let Some(means) = scorers.means {
            let setting = inputs.setting.as_ref();
            self.score_means(
                context,
                means,
                known,
                (setting, caller.flatten()),
                &mut metrics,
            )?;
        }
        if let Some(aligner) = scorers.aligner {
            let neurons = Neurons {
                context,
                inputs: &self.input,
                model,
                known,
                residues: collector.valid.residues + collector.test.residues,
            };
            self.align(
                aligner,
                scorers.proteins,
                groups,
                random.as_ref(),
                &neurons,
                (across, &mut metrics),
            )?;
        }
        Ok(metrics)
    }

    /// What the passage through the tables has measured by itself.
    fn measured(
        &self,
        sae: &Sae,
        split: Option<&Partition>,
        collector: &mut Collector<'_>,
    ) -> Metrics {
        Metrics {
            sae: Some(sae.identity()),
            plm: sae.config.plm.clone(),
            valid: split.is_some().then_some(collector.valid),
            test: collector.test,
            fidelity: self.asks(Suite::Fidelity).then(|| collector.fidelity()),
            consistency: collector.consistency(),
            ..Metrics::new()
        }
    }

    /// The untrained twin, on its way through the same tables.
    fn random<'a>(&self, twin: &'a Sae, known: Known<'a>) -> RandomSae<'a> {
        let (aligns, reads) = (self.asks(Suite::Alignment), self.asks(Suite::Ranges));
        let split = known.split;
        let held_out = HeldOut::new(twin, known.labels, split.is_some(), Maxima::Choosing);
        let ranges = reads.then(|| self.range_scorer(twin, known, None));
        RandomSae::new(twin, ranges, aligns.then_some(held_out), split)
    }

    /// Scores of function prediction and of probes, by means over residues.
    fn score_means(
        &self,
        context: &Context,
        mut means: Means,
        known: Known<'_>,
        (setting, caller): (Option<&function::Setting<'_>>, Option<Caller>),
        metrics: &mut Metrics,
    ) -> Result<()> {
        means.sort();
        let (concepts, labels) = (known.concepts, known.labels);
        if let Some(setting) = setting {
            metrics.function =
                Some(setting.score_model(context, &means, (concepts, labels), caller)?);
        }
        if self.asks(Suite::Probing) {
            metrics.probing = probing::score(&means, concepts, labels, self.min_proteins);
        }
        Ok(())
    }

    /// What gathers proteins for the suites that are asked for.
    fn scorers<'a>(
        &self,
        context: &Context,
        model: Model<'a>,
        known: Option<Known<'a>>,
        dictionary: Option<&Vec<ConceptEntry>>,
        losses: Option<PlmLosses>,
    ) -> Result<Scorers<'a>> {
        let Model { sae, folder } = model;
        let asks = |suite| self.asks(suite);
        let aligns = asks(Suite::Alignment) || asks(Suite::Disentanglement);
        let aligner = known.filter(|_| aligns).map(|k| Aligner::new(sae, k));
        let seeks_maxima = aligner.is_some() && !sae.knows_maxima();
        if seeks_maxima {
            shared::warn_of_unknown_maxima(folder);
        }
        let ranges = known.filter(|_| asks(Suite::Ranges));
        let means = asks(Suite::Function) || asks(Suite::Probing);
        Ok(Scorers {
            aligner,
            ranges: ranges.map(|known| self.range_scorer(sae, known, dictionary.cloned())),
            loss: self.loss.scorer(context, sae, folder, losses)?,
            means: means.then(|| Means::new(&sae.config.shape)),
            proteins: asks(Suite::Disentanglement).then(|| TestProteins::new(sae)),
            seeks_maxima,
        })
    }

    fn range_scorer<'a>(
        &self,
        sae: &'a Sae,
        known: Known<'a>,
        dictionary: Option<Vec<ConceptEntry>>,
    ) -> RangeScorer<'a> {
        let excluded = &self.exclude_features;
        RangeScorer::new(sae, known, excluded, dictionary)
    }

    /// Scores of alignment and disentanglement.
    fn align(
        &self,
        aligner: Aligner<'_>,
        proteins: Option<TestProteins>,
        groups: &Groups,
        random: Option<&RandomSae<'_>>,
        neurons: &Neurons<'_>,
        found: (&mut AcrossModels, &mut Metrics),
    ) -> Result<()> {
        let (across, metrics) = found;
        let concepts = neurons.known.concepts;
        let excluded = &self.exclude_features;
        let least = (self.min_residues, self.min_proteins);
        let aligned = aligner.finish(concepts, excluded, least);
        if let Some(proteins) = proteins {
            let (sae, seed) = (neurons.model.sae, neurons.context.seed());
            let score = disentanglement::score;
            metrics.disentanglement = Some(score(sae, &aligner, &aligned, proteins, groups, seed));
        }
        if self.asks(Suite::Alignment) {
            let controls = self.controls(&aligned, aligner, random, neurons, across)?;
            metrics.alignment = Some(Alignment {
                controls,
                ..aligned.alignment
            });
        }
        Ok(())
    }

    /// An untrained model of the same size, where it is asked for and anything is scored of it.
    fn twin(&self, context: &Context, sae: &Sae) -> Option<Sae> {
        let is_scored = self.asks(Suite::Alignment) || self.asks(Suite::Ranges);
        let is_asked = self.controls.contains(&ControlChoice::RandomSae);
        (is_scored && is_asked).then(|| sae.untrained(context.seed()))
    }

    /// Ranges of the model, and of the untrained one beside them.
    fn ranges<'a>(
        &self,
        context: &Context,
        concepts: &ConceptsFile,
        ranges: RangeScorer<'a>,
        maxima: &[f32],
        random: Option<&mut RandomSae<'a>>,
    ) -> Result<RangeMetrics> {
        let (files, least) = (&self.clusters, self.min_precision);
        let finish = |scorer: RangeScorer<'a>, maxima: &[f32]| {
            scorer.finish(context, files, concepts, maxima, least)
        };
        let own = finish(ranges, maxima)?;
        match random {
            Some(random) => random.beside(own, finish),
            None => Ok(own),
        }
    }

    /// Scores of the controls, in the order in which they are documented.
    fn controls(
        &self,
        aligned: &Aligned,
        aligner: Aligner<'_>,
        random: Option<&RandomSae<'_>>,
        neurons: &Neurons<'_>,
        across: &mut AcrossModels,
    ) -> Result<Vec<Control>> {
        let asked = |choice| self.controls.contains(&choice);
        let mut controls = Vec::new();
        if let Some(means) = random.and_then(|random| random.means(aligned)) {
            controls.push(Control {
                control: ControlKind::RandomSae,
                means,
            });
        }
        if asked(ControlChoice::ShuffledLabels) {
            let seed = neurons.context.seed();
            controls.push(control::shuffled(aligner, aligned, seed));
        }
        if asked(ControlChoice::PlmNeurons) {
            controls.push(neurons.score(aligned, &mut across.neurons)?);
        }
        Ok(controls)
    }

    /// Opens what the suites need; none in a dry run, which says what would be read.
    fn inputs<'a>(
        &'a self,
        context: &Context,
        sae: &Sae,
        folder: &Path,
    ) -> Result<Option<Inputs<'a>>> {
        let concepts = self.vocabulary(context, sae, folder)?;
        let labels = self.labels(context, &concepts)?;
        let groups = self.groups(context)?;
        let function = self.asks(Suite::Function);
        let setting = function.then(|| self.function.setting(context, groups.clone()));
        let inputs = Inputs {
            setting: setting.transpose()?,
            split: shared::read_split(context, self.split.as_ref())?,
            readers: shared::open_activations(context, &self.input, sae, folder)?,
            dictionary: self.readings(context, sae, folder)?,
            groups,
            concepts,
            labels,
        };
        if self.asks(Suite::Ranges) {
            check_whole(&inputs.readers, "the suite 'ranges'")?;
        }
        if self.loss.plm.is_some() {
            check_whole(&inputs.readers, "--plm")?;
        }
        if context.is_dry_run() {
            return plan(&inputs.readers).map(|()| None);
        }
        Ok(Some(inputs))
    }

    /// The vocabulary of the labels.
    fn vocabulary(&self, context: &Context, sae: &Sae, folder: &Path) -> Result<ConceptsFile> {
        let Some(path) = &self.concepts else {
            return Ok(sae.concepts.clone());
        };
        let concepts = shared::read_concepts(context, path)?;
        shared::check_vocabulary(sae, folder, &concepts, path)?;
        Ok(concepts)
    }

    /// The labels, where a suite needs them.
    fn labels(&self, context: &Context, concepts: &ConceptsFile) -> Result<Option<LabelIndex>> {
        let needs = |suite: &&Suite| **suite != Suite::Fidelity;
        match (&self.labels, self.suite.iter().find(needs)) {
            (Some(source), Some(_)) => Ok(Some(shared::read_labels(context, source, concepts)?)),
            (None, Some(suite)) => {
                let name = suite.to_possible_value();
                let name = name.as_ref().map_or("", |value| value.get_name());
                Err(Error::usage(format!(
                    "the suite '{name}' needs --labels; or ask for --suite fidelity"
                )))
            }
            (_, None) => Ok(None),
        }
    }

    /// How a dictionary reads concepts, where one is given.
    fn readings(
        &self,
        context: &Context,
        sae: &Sae,
        folder: &Path,
    ) -> Result<Option<Vec<ConceptEntry>>> {
        let Some(path) = &self.dictionary else {
            return Ok(None);
        };
        let dictionary = shared::read_dictionary(context, path)?.content;
        let name = path.display().to_string();
        if let Some(own) = &dictionary.sae {
            let folder = folder.display().to_string();
            own.check_same(&name, &sae.identity(), &folder)?;
        }
        match dictionary.concepts {
            Some(concepts) => Ok(Some(concepts)),
            None => Err(Error::mismatch(format!(
                "{name} is '{}', which does not say how ranges are found",
                dictionary.format
            ))),
        }
    }
}

impl Inputs<'_> {
    /// What is known of the proteins, where labels are.
    fn known(&self, whole: bool) -> Option<Known<'_>> {
        let labels = self.labels.as_ref()?;
        Some(Known {
            concepts: &self.concepts,
            labels,
            split: self.split.as_ref(),
            whole,
        })
    }

    /// Whether tables hold all residues of their proteins.
    fn are_whole(&self) -> bool {
        self.readers.iter().all(|(_, r)| r.info().sample.is_none())
    }
}
