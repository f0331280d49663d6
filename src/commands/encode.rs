//! `protsae-encode`: activations through a trained SAE into features.

mod device;
mod fvu;

use super::{
    calling::Calling,
    compute::ComputeArgs,
    listed::{Listed, readings},
    protein_totals::Totals,
    shared::{self, WholeProteins},
};
use crate::{
    Error, Result,
    cli::{
        CommonArgs, Context, Output, Source, Target, Tool, args::DeviceChoice, log,
        progress::Progress,
    },
    error::Context as _,
    sae::{encode::Encoded, folder::Sae},
    table::{
        activations::{ActivationBatch, ActivationReader},
        features::{FeatureInfo, FeatureWriter, ResidueFeatures},
        proteins::ProteinWriter,
    },
};
use device::DeviceEncoder;
use fvu::{FvuCheck, Misfit, Table};
use std::path::PathBuf;

/// Default of `--min-probability`.
const DEFAULT_MIN_PROBABILITY: f32 = 0.5;
/// Numbers that a block of rows may hold.
const BLOCK_NUMBERS: usize = 1 << 24;

/// Apply a trained SAE: activations in, features out
#[derive(clap::Parser, Debug)]
#[command(name = Args::NAME, version, after_help = "Example:
  protsae-encode -i activations.arrow -m model/ --dictionary dictionary.json -o features.arrow")]
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

    /// Dictionary by which probabilities of concepts are calibrated, for protsae-annotate to find ranges in: those of its
    /// usable concepts are listed, above each one's floor; and by which whole proteins are called to have concepts
    #[arg(long, value_name = "FILE.json", conflicts_with = "min_probability")]
    dictionary: Option<PathBuf>,

    /// Training proteins (protsae-interpret --neighbours-out): of each call, those that are near and have the concept are
    /// told, in the protein table
    #[arg(long, value_name = "TABLE", requires = "dictionary")]
    neighbours: Option<Source>,

    /// Let the neighbours count in the calls, by the weights that the dictionary has of each concept; what they say is
    /// then no longer a second opinion of a call
    #[arg(long, requires_all = ["dictionary", "neighbours"])]
    with_neighbours: bool,

    /// Least probability of the concepts that are listed for a residue, as the model has it, without a dictionary
    /// [default: 0.5]
    #[arg(long, value_name = "P")]
    min_probability: Option<f32>,

    /// Least activation of the latents that are listed for a residue
    #[arg(long, default_value_t = 0.0, value_name = "Z")]
    min_activation: f32,

    /// What happens where the model reconstructs the first rows of a table much worse than it did those that it was
    /// trained or checked on, as one of another layer does
    #[arg(long, value_enum, default_value_t = Misfit::Warn, value_name = "WHAT")]
    check_fvu: Misfit,

    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: DeviceChoice,

    #[command(flatten)]
    compute: ComputeArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl Tool for Args {
    const NAME: &'static str = "protsae-encode";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let least = self.check()?;
        let sae = shared::load_model(context, &self.model)?;
        let (listed, dictionary, calling) = match &self.dictionary {
            Some(path) => {
                let read = readings(context, &sae, &self.model, path)?;
                let neighbours = self.neighbours.as_ref();
                let calling = Calling::read(
                    context,
                    &sae,
                    &read.concepts,
                    neighbours,
                    self.with_neighbours,
                )?;
                (Listed::Calibrated(read.usable), Some(read.sha256), calling)
            }
            None => (Listed::Model { least }, None, None),
        };
        let readers = shared::open_activations(context, &self.input, &sae, &self.model)?;
        let mut encoder = DeviceEncoder::open(self.device, &sae, self.compute.compute)?;
        context.note_device(&encoder.name());
        encoder.note_compute(context, self.compute.compute);
        if context.is_dry_run() {
            return plan(&sae, &readers);
        }
        let mut check = FvuCheck::new(&sae, &self.model, self.check_fvu)?;
        let info = FeatureInfo {
            dictionary,
            ..common_info(&sae, &readers)?
        };
        let output = context.create(&self.output)?;
        let container = self.output.container();
        let writer =
            FeatureWriter::new(output, container, &info).during(&self.output.to_string())?;
        let proteins = self.protein_writer(context, &info)?;
        let block = (BLOCK_NUMBERS / (sae.config.shape.width + sae.config.shape.defined)).max(1);
        let proteins_name = self.proteins.as_ref().map(Target::to_string);
        let mut sink = Sink {
            names: [self.output.to_string(), proteins_name.unwrap_or_default()],
            features: writer,
            proteins,
            totals: Totals::new(&sae.config.shape),
            calling,
            whole: WholeProteins::default(),
            listed,
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
            let plm = reader.info().plm.clone();
            let table = Table { source, plm };
            for batch in reader {
                let batch = batch.map_err(source.in_input())?;
                sink.batch(&mut encoder, &mut check, &batch, block, &table)?;
                progress.add(batch.rows() as u64);
            }
            check.end_table(&table)?;
            sink.end_table()?;
        }
        progress.finish();
        check.note(context);
        context.metric("proteins", sink.whole.count());
        context.metric("residues", sink.rows);
        let (features, proteins) = sink.finish()?;
        proteins.map_or(Ok(()), Output::commit)?;
        features.commit()
    }
}

impl Args {
    /// The least probability that is listed, once options are known to make sense.
    fn check(&self) -> Result<f32> {
        let least = self.min_probability.unwrap_or(DEFAULT_MIN_PROBABILITY);
        shared::check_share("--min-probability", least.into())?;
        if !self.min_activation.is_finite() {
            return Err(Error::usage(format!(
                "--min-activation is {}, expected a number",
                self.min_activation
            )));
        }
        if self.neighbours.is_some() && self.proteins.is_none() && !self.with_neighbours {
            return Err(Error::usage(
                "--neighbours without --with-neighbours is told in the protein table: give --proteins",
            ));
        }
        Ok(least)
    }

    fn protein_writer(
        &self,
        context: &Context,
        info: &FeatureInfo,
    ) -> Result<Option<ProteinWriter<Output>>> {
        let Some(target) = &self.proteins else {
            return Ok(None);
        };
        let out = context.create(target)?;
        let writer = ProteinWriter::new(out, target.container(), info);
        Ok(Some(writer.during(&target.to_string())?))
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
        dictionary: None,
    })
}

fn plan(sae: &Sae, readers: &[(&Source, ActivationReader)]) -> Result<()> {
    let shape = &sae.config.shape;
    for (source, reader) in readers {
        match reader.rows().map_err(source.in_input())? {
            Some(rows) => {
                let bytes = rows * (16 + 8 * sae.config.objective.variant.k().unwrap_or(0) as u64);
                // two multiply-adds a weight, at a cautious 20 GFLOP/s
                let work = 2.0 * rows as f64 * (shape.latents * shape.width) as f64;
                log::plan(&format!(
                    "{source}: {rows} residues, about {} MB of features, about {:.0} s",
                    bytes >> 20,
                    work / 2e10
                ))?;
            }
            None => shared::plan_rows(source, None, "residues")?,
        }
    }
    Ok(())
}

/// What the encoded rows of all inputs go into.
struct Sink {
    /// Names of the two outputs, for messages.
    names: [String; 2],
    features: FeatureWriter<Output>,
    proteins: Option<ProteinWriter<Output>>,
    totals: Totals,
    calling: Option<Calling>,
    whole: WholeProteins,
    listed: Listed,
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
        encoder: &mut DeviceEncoder<'_>,
        check: &mut FvuCheck<'_>,
        batch: &ActivationBatch,
        block: usize,
        table: &Table<'_>,
    ) -> Result<()> {
        let (source, width) = (table.source, batch.width());
        let activations = batch.activations().map_err(source.in_input())?;
        let positions = batch.positions().map_err(source.in_input())?;
        let residues = batch.residues().map_err(source.in_input())?;
        for start in (0..batch.rows()).step_by(block) {
            let end = (start + block).min(batch.rows());
            let x = &activations[start * width..end * width];
            let encoded = encoder.encode(x).map_err(source.in_input())?;
            check.add(x, &encoded, table)?;
            for row in start..end {
                self.protein(batch.protein(row), source)?;
                let x = &activations[row * width..(row + 1) * width];
                let letter = (positions[row], residues[row]);
                self.residue(letter, x, &encoded, row - start)?;
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
        (position, residue): (u32, u8),
        x: &[f32],
        encoded: &Encoded<'_>,
        row: usize,
    ) -> Result<()> {
        self.rows += 1;
        let m = encoded.concepts;
        let logits = &encoded.logits[row * m..(row + 1) * m];
        let (latents, values) = encoded.z.row(row);
        if self.proteins.is_some() || self.calling.is_some() {
            self.totals.add(x, logits, latents, values);
        }
        let (concepts, probabilities) = (&mut self.concepts, &mut self.probabilities);
        self.listed
            .list(logits, (latents, values), concepts, probabilities);
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

    /// Writes what is said of the whole of the protein that has ended, if there is one.
    fn end_protein(&mut self) -> Result<()> {
        if self.totals.residues == 0 {
            return Ok(());
        }
        let row = self.totals.take(self.calling.as_ref());
        if let Some(calls) = &row.calls {
            self.features.calls(&calls.concepts, &calls.probabilities);
        }
        match &mut self.proteins {
            Some(writer) => writer.push(&row).during(&self.names[1]),
            None => Ok(()),
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
