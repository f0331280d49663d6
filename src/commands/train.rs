//! `protsae-train`: activations and labels into a model folder.

mod args;
pub(super) mod curves;
mod device;
mod folder;
pub(super) mod grid;
mod inputs;
mod task;

pub use args::Args;
pub(super) use args::CHECKPOINTS;

use super::{compute, output_folder};
use crate::{
    Error, Result,
    cli::{CommonArgs, Context, Tool, context::to_json},
    sae::{
        error::{GpuError, SaeError},
        settings::{Operand, Training},
    },
    train::{
        checkpoint::Checkpoints,
        device::Device,
        driver::{RunOptions, Task},
    },
};
use inputs::{Inputs, Labelled};
use std::path::{Path, PathBuf};

impl Tool for Args {
    const NAME: &'static str = "protsae-train";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn first_foreign(folder: &Path) -> Option<PathBuf> {
        output_folder::first_foreign(folder)
    }

    fn run(&self, context: &Context) -> Result<()> {
        self.train(context).map_err(name_option)
    }
}

/// A setting that does not do by the name of its option.
fn name_option(error: Error) -> Error {
    match error.find::<SaeError>() {
        Some(SaeError::Setting(setting)) => {
            let option = setting.field.replace('_', "-");
            Error::usage(format!("--{option}: {}", setting.message))
        }
        Some(SaeError::Diverged { .. }) => error.context("--lr, --clip"),
        Some(SaeError::Gpu(GpuError::Memory { .. })) => error.context("--batch, --latents"),
        _ => error,
    }
}

impl Args {
    fn train(&self, context: &Context) -> Result<()> {
        let checkpoint_dir = self.checkpoint_dir();
        context.expect_shared(&checkpoint_dir)?;
        let checkpoints = Checkpoints::new(checkpoint_dir.path());
        // what the user made for them is the user's to remove
        let keep_folder = self.run.checkpoint_dir.is_some() && checkpoint_dir.path().exists();
        checkpoints.check(self.run.checkpoint_every)?;
        let training = self.training(context.seed());
        training.check().map_err(SaeError::from)?;
        let init = match &self.training.init {
            None => None,
            Some(folder) => Some(super::shared::load_model(context, folder)?),
        };
        let training = Training {
            init: init.as_ref().map(|sae| sae.sha256.clone()),
            ..training
        };
        inputs::check_streams(self, &training)?;
        let (concepts, labels) = Labelled::read(self, context)?.join(&training);
        let inputs = Inputs::open(self, context, labels)?;
        let task = self.task(&inputs, &concepts, training, init.as_ref())?;
        let points = grid::points(&self.run.grid)?;
        let mut tasks = grid::tasks(&task, &points)?;
        for task in &tasks {
            task.objective.check(&task.shape).map_err(SaeError::from)?;
        }
        let device = device::open(self.run.device, &tasks)?;
        if !matches!(device, Device::Cpu) {
            for task in &mut tasks {
                task.training.compute = self.run.compute.unwrap_or(Operand::Bf16);
            }
        }
        if context.is_dry_run() {
            return folder::plan(&inputs, &tasks, &device);
        }
        context.note_device(&device.name());
        note_compute(context, &device, &tasks);
        let options = RunOptions {
            log_every: self.run.log_every,
            checkpoint_every: self.run.checkpoint_every,
            checkpoint_dir: checkpoint_dir.path().to_owned(),
            resume: self.run.resume,
            device,
        };
        let trained = folder::run(inputs, &tasks, &options)?;
        let output = context.create_folder(&self.output)?;
        for (task, trained) in tasks.iter().zip(&trained) {
            folder::report(context, trained);
            folder::write(
                &output,
                &task.name,
                trained,
                &concepts,
                self.run.tensorboard,
            )?;
        }
        if !points.is_empty() {
            let content = to_json(&grid::table(&points, &trained))?;
            output.write(output_folder::GRID_FILE, content.as_bytes())?;
        }
        output.commit();
        context.after_placing(move || Ok(checkpoints.remove(keep_folder)?));
        Ok(())
    }
}

/// Notes what the products of the first task, which are those of all, multiply.
fn note_compute(context: &Context, device: &Device, tasks: &[Task<'_>]) {
    let Some(compute) = tasks.first().map(|task| task.training.compute) else {
        return;
    };
    match device {
        Device::Cpu => compute::note(context, compute.name(), compute.split()),
        #[cfg(feature = "cuda")]
        Device::Gpu(..) => context.note_compute(compute.name(), &device.name()),
    }
}
