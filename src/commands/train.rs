//! `protsae-train`: activations and labels into a model folder.

mod args;
mod curves;
mod device;
mod folder;
pub(super) mod grid;
mod inputs;
mod task;

pub use args::Args;

use crate::{
    Result,
    cli::{
        CommonArgs, Context, Tool,
        context::to_json,
        output::{OutputFolder, Target},
    },
    sae::{checkpoint::Checkpoints, device::Device, settings::Training, train::RunOptions},
};
use inputs::Inputs;

impl Tool for Args {
    const NAME: &'static str = "protsae-train";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn run(&self, context: &Context) -> Result<()> {
        let training = self.training(context.seed());
        training.check()?;
        let init = match &self.training.init {
            None => None,
            Some(folder) => Some(super::shared::load_model(context, folder)?),
        };
        let training = Training {
            init: init.as_ref().map(|sae| sae.sha256.clone()),
            ..training
        };
        let (inputs, concepts) = Inputs::open(self, context, &training)?;
        let task = self.task(&inputs, &concepts, training, init.as_ref())?;
        let points = grid::points(&self.run.grid)?;
        let mut tasks = grid::tasks(&task, &points)?;
        for task in &tasks {
            task.objective.check(&task.shape)?;
        }
        let device = device::open(self.run.device, &tasks)?;
        if !matches!(device, Device::Cpu) {
            for task in &mut tasks {
                task.training.compute = self.run.compute;
            }
        }
        context.note_output(&Target::File(self.output.clone()))?;
        if context.is_dry_run() {
            return folder::plan(&inputs, &tasks, &device);
        }
        context.note_device(&device.name());
        let checkpoint_dir = self.checkpoint_dir();
        let options = RunOptions {
            log_every: self.run.log_every,
            checkpoint_every: self.run.checkpoint_every,
            checkpoint_dir: checkpoint_dir.clone(),
            resume: self.run.resume,
            device,
        };
        let trained = folder::run(inputs, &tasks, &options)?;
        let output = OutputFolder::create(&self.output)?;
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
            output.write(grid::FILE, content.as_bytes())?;
        }
        output.commit()?;
        Checkpoints::new(&checkpoint_dir).remove()?;
        Ok(())
    }
}
