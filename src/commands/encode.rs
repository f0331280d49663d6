//! `protsae-encode`: activations through a trained SAE into features.

use super::shared::{self, WholeProteins};
use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Output, Source, Target, Tool, log, progress::Progress},
    error::Context as _,
    sae::{
        encode::{Encoded, Encoder, sigmoid},
        folder::Sae,
    },
    score::{
        calls::{Caller, ProteinMeans},
        dictionary::Dictionary,
    },
    table::{
        activations::{ActivationBatch, ActivationReader},
        calls::CallList,
        features::{FeatureInfo, FeatureWriter, ResidueFeatures},
        proteins::{MIN_PROBABILITY, ProteinFeatures, ProteinWriter},
    },
};
use std::path::PathBuf;

/// Default of `--min-probability`.
const DEFAULT_MIN_PROBABILITY: f32 = 0.5;
/// Numbers that a block of rows may hold.
const BLOCK_NUMBERS: usize = 1 << 24;

/// Apply a trained SAE: activations in, features out
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-encode -i activations.arrow -m model/ -o features.arrow --proteins proteins.arrow")]
pub struct Args {
    /// Activation table; repeat for several; '-' for standard input
    #[arg(short, long, required = true, value_name = "TABLE")]
    input: Vec<Source>,

    /// Model folder
    #[arg(short, long, value_name = "DIR")]
    model: PathBuf,

    /// Feature table; '-' for standard output
    #[arg(short, long, default_value = "-", value_name = "TABLE")]
    output: Target,

    /// Also write one row a protein: means and maxima of concepts and latents
    #[arg(long, value_name = "TABLE")]
    proteins: Option<Target>,

    /// Dictionary by which proteins are called to have concepts, for --proteins
    #[arg(long, value_name = "FILE.json")]
    dictionary: Option<PathBuf>,

    /// Least probability of the concepts that are listed for a residue
    #[arg(long, default_value_t = DEFAULT_MIN_PROBABILITY, value_name = "P")]
    min_probability: f32,

    /// Least activation of the latents that are listed for a residue
    #[arg(long, default_value_t = 0.0, value_name = "Z")]
    min_activation: f32,

    #[command(flatten)]
    common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-encode";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        shared::check_share("--min-probability", self.min_probability.into())?;
        if !self.min_activation.is_finite() {
            return Err(Error::usage(format!(
                "--min-activation is {}, expected a number",
                self.min_activation
            )));
        }
        let sae = shared::load_model(context, &self.model)?;
        let caller = self.caller(context, &sae)?;
        let readers = shared::open_activations(context, &self.input, &sae, &self.model)?;
        if context.is_dry_run() {
            return plan(&sae, &readers);
        }
        let info = common_info(&sae, &readers)?;
        let output = context.create(&self.output)?;
        let container = self.output.container();
        let writer =
            FeatureWriter::new(output, container, &info).during(&self.output.to_string())?;
        let proteins = match &self.proteins {
            None => None,
            Some(target) => {
                let out = context.create(target)?;
                Some(
                    ProteinWriter::new(out, target.container(), &info)
                        .during(&target.to_string())?,
                )
            }
        };
        let mut encoder = Encoder::new(&sae);
        let block = (BLOCK_NUMBERS / (sae.config.shape.width + sae.config.shape.defined)).max(1);
        let proteins_name = self.proteins.as_ref().map(Target::to_string);
        let mut sink = Sink {
            names: [self.output.to_string(), proteins_name.unwrap_or_default()],
            features: writer,
            proteins,
            totals: Totals::new(sae.config.shape.defined, sae.config.shape.latents),
            caller,
            whole: WholeProteins::default(),
            min_probability: self.min_probability,
            min_activation: self.min_activation,
            rows: 0,
            concepts: Vec::new(),
            probabilities: Vec::new(),
            latents: Vec::new(),
            activations: Vec::new(),
        };
        let total = readers.iter().map(|(_, r)| r.rows().ok().flatten()).sum();
        let mut progress = Progress::new("residues", total);
        for (source, reader) in readers {
            for batch in reader {
                let batch = batch.map_err(source.in_input())?;
                sink.batch(&mut encoder, &batch, block, source)?;
                progress.add(batch.rows() as u64);
            }
            sink.end_table()?;
        }
        progress.finish();
        context.metric("proteins", sink.whole.count());
        context.metric("residues", sink.rows);
        let (features, proteins) = sink.finish()?;
        proteins.map_or(Ok(()), Output::commit)?;
        features.commit()
    }
}

impl Args {
    /// What calls proteins, where a dictionary was given that does.
    fn caller(&self, context: &Context, sae: &Sae) -> Result<Option<Caller>> {
        let Some(path) = &self.dictionary else {
            return Ok(None);
        };
        let source = Source::File(path.clone());
        let dictionary = Dictionary::read(context.open(&source)?).map_err(source.in_input())?;
        if let Some(own) = &dictionary.sae {
            let folder = self.model.display().to_string();
            own.check_same(&source.to_string(), &sae.identity(), &folder)?;
        }
        Caller::new(dictionary.concepts()).map_err(source.in_input())
    }
}

/// What the feature table says of itself; all inputs must agree on the sampling.
fn common_info(sae: &Sae, readers: &[(&Source, ActivationReader)]) -> Result<FeatureInfo> {
    let mut samples = readers.iter().map(|(s, r)| (s, r.info().sample));
    let first = samples.next().and_then(|(_, sample)| sample);
    if let Some((source, other)) = samples.find(|(_, sample)| *sample != first) {
        let show = |s: Option<u32>| {
            s.map_or("whole proteins".into(), |n| {
                format!("{n} residues a protein")
            })
        };
        return Err(Error::mismatch(format!(
            "{} holds {}, {source} holds {}",
            readers[0].0,
            show(first),
            show(other)
        )));
    }
    Ok(FeatureInfo {
        plm: sae.config.plm.clone(),
        sae: Some(sae.identity()),
        sample: first,
    })
}

fn plan(sae: &Sae, readers: &[(&Source, ActivationReader)]) -> Result<()> {
    let shape = &sae.config.shape;
    for (source, reader) in readers {
        match reader.rows().map_err(source.in_input())? {
            Some(rows) => {
                let bytes = rows * (16 + 8 * sae.config.objective.k as u64);
                // two multiply-adds a weight, at a cautious 20 GFLOP/s
                let work = 2.0 * rows as f64 * (shape.latents * shape.width) as f64;
                log::plan(&format!(
                    "{source}: {rows} residues, about {} MB of features, about {:.0} s",
                    bytes >> 20,
                    work / 2e10
                ))?;
            }
            None => log::plan(&format!("{source}: a stream of unknown length"))?,
        }
    }
    Ok(())
}

/// Sums over the residues of one protein.
struct Totals {
    protein: String,
    residues: u32,
    probability_sum: Vec<f64>,
    logit_sum: Vec<f64>,
    probability_max: Vec<f32>,
    activation_sum: Vec<f64>,
    activation_max: Vec<f32>,
    /// Latents that were active, in order of appearance.
    touched: Vec<u32>,
}

impl Totals {
    fn new(concepts: usize, latents: usize) -> Self {
        Self {
            protein: String::new(),
            residues: 0,
            probability_sum: vec![0.0; concepts],
            logit_sum: vec![0.0; concepts],
            probability_max: vec![0.0; concepts],
            activation_sum: vec![0.0; latents],
            activation_max: vec![0.0; latents],
            touched: Vec::new(),
        }
    }

    fn add(&mut self, logits: &[f32], latents: &[u32], values: &[f32]) {
        self.residues += 1;
        let sums = self
            .probability_sum
            .iter_mut()
            .zip(&mut self.probability_max)
            .zip(&mut self.logit_sum);
        for (&logit, ((sum, max), logit_sum)) in logits.iter().zip(sums) {
            let p = sigmoid(logit);
            *logit_sum += f64::from(logit);
            *sum += f64::from(p);
            *max = max.max(p);
        }
        for (&latent, &value) in latents.iter().zip(values) {
            let k = latent as usize;
            if self.activation_max[k] == 0.0 {
                self.touched.push(latent);
            }
            self.activation_sum[k] += f64::from(value);
            self.activation_max[k] = self.activation_max[k].max(value);
        }
    }

    /// The protein's row; begins anew.
    fn take(&mut self, caller: Option<&Caller>) -> ProteinFeatures {
        let n = f64::from(self.residues.max(1));
        let logits = self.logit_sum.iter().map(|sum| (sum / n) as f32).collect();
        let mut row = ProteinFeatures {
            protein: std::mem::take(&mut self.protein),
            length: std::mem::take(&mut self.residues),
            ..ProteinFeatures::default()
        };
        for (concept, &max) in self.probability_max.iter().enumerate() {
            if max >= MIN_PROBABILITY {
                row.concepts.push(concept as u32);
                row.probability_mean
                    .push((self.probability_sum[concept] / n) as f32);
                row.probability_max.push(max);
            }
        }
        self.probability_sum.fill(0.0);
        self.logit_sum.fill(0.0);
        self.probability_max.fill(0.0);
        self.touched.sort_unstable();
        for &latent in &self.touched {
            let k = latent as usize;
            row.latents.push(latent);
            row.activation_mean
                .push((self.activation_sum[k] / n) as f32);
            row.activation_max.push(self.activation_max[k]);
            self.activation_sum[k] = 0.0;
            self.activation_max[k] = 0.0;
        }
        self.touched.clear();
        row.calls = caller.map(|caller| {
            let latents = row.latents.iter().copied();
            let means = ProteinMeans {
                logits,
                latents: latents.zip(row.activation_mean.iter().copied()).collect(),
            };
            let (concepts, probabilities) = caller.call(&means).into_iter().unzip();
            CallList {
                concepts,
                probabilities,
                neighbours: None,
            }
        });
        row
    }
}

/// What the encoded rows of all inputs go into.
struct Sink {
    /// Names of the two outputs, for messages.
    names: [String; 2],
    features: FeatureWriter<Output>,
    proteins: Option<ProteinWriter<Output>>,
    totals: Totals,
    caller: Option<Caller>,
    whole: WholeProteins,
    min_probability: f32,
    min_activation: f32,
    rows: u64,
    concepts: Vec<u32>,
    probabilities: Vec<f32>,
    latents: Vec<u32>,
    activations: Vec<f32>,
}

impl Sink {
    /// Encodes a batch, `block` rows at once, and adds its rows.
    fn batch(
        &mut self,
        encoder: &mut Encoder<'_>,
        batch: &ActivationBatch,
        block: usize,
        source: &Source,
    ) -> Result<()> {
        let width = batch.width();
        let activations = batch.activations().map_err(source.in_input())?;
        let positions = batch.positions().map_err(source.in_input())?;
        let residues = batch.residues().map_err(source.in_input())?;
        for start in (0..batch.rows()).step_by(block) {
            let end = (start + block).min(batch.rows());
            let encoded = encoder
                .encode(&activations[start * width..end * width])
                .map_err(source.in_input())?;
            for row in start..end {
                self.protein(batch.protein(row), source)?;
                self.residue(positions[row], residues[row], &encoded, row - start)?;
            }
        }
        Ok(())
    }

    /// Begins another protein where it is one.
    fn protein(&mut self, protein: &str, source: &Source) -> Result<()> {
        if self.whole.next(protein).map_err(source.in_input())? {
            self.end_protein()?;
            protein.clone_into(&mut self.totals.protein);
        }
        Ok(())
    }

    fn residue(
        &mut self,
        position: u32,
        residue: u8,
        encoded: &Encoded<'_>,
        row: usize,
    ) -> Result<()> {
        self.rows += 1;
        let m = encoded.concepts;
        let logits = &encoded.logits[row * m..(row + 1) * m];
        let (latents, values) = encoded.z.row(row);
        if self.proteins.is_some() {
            self.totals.add(logits, latents, values);
        }
        self.concepts.clear();
        self.probabilities.clear();
        for (concept, &logit) in logits.iter().enumerate() {
            let p = sigmoid(logit);
            if p >= self.min_probability {
                self.concepts.push(concept as u32);
                self.probabilities.push(p);
            }
        }
        self.latents.clear();
        self.activations.clear();
        for (&latent, &value) in latents.iter().zip(values) {
            if value >= self.min_activation {
                self.latents.push(latent);
                self.activations.push(value);
            }
        }
        let row = ResidueFeatures {
            position,
            residue,
            latents: &self.latents,
            activations: &self.activations,
            concepts: &self.concepts,
            probabilities: &self.probabilities,
        };
        self.features
            .push(&self.whole.current, row)
            .during(&self.names[0])
    }

    /// Writes the row of the protein that has ended, if there is one.
    fn end_protein(&mut self) -> Result<()> {
        match &mut self.proteins {
            Some(writer) if self.totals.residues > 0 => {
                let row = self.totals.take(self.caller.as_ref());
                writer.push(&row).during(&self.names[1])
            }
            _ => Ok(()),
        }
    }

    fn end_table(&mut self) -> Result<()> {
        self.end_protein()?;
        self.whole.end_of_table();
        Ok(())
    }

    fn finish(self) -> Result<(Output, Option<Output>)> {
        let features = self.features.finish().during(&self.names[0])?;
        let proteins = self.proteins.map(ProteinWriter::finish).transpose();
        let proteins = proteins.during(&self.names[1])?;
        Ok((features, proteins))
    }
}
