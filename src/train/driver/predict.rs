//! What the initial weights say before the first step.

use super::Event;
use crate::train::task::SURVEY_ROWS;
use crate::{
    sae::error::SaeError,
    train::{backend::Trainer, data::batch::Batch, session::Run},
};

/// How many latents the initial weights leave dead, by the first of some rows as the table has them.
///
/// # Errors
/// Where the device fails.
pub(crate) fn predict(
    run: &mut Run<'_>,
    sample: &mut Batch<f32>,
) -> Result<Event<'static>, SaeError> {
    sample.truncate(SURVEY_ROWS);
    let scale = run.config.input_scale as f32;
    sample.x.iter_mut().for_each(|x| *x *= scale);
    let latents = run.config.shape.latents.max(1) as f64;
    let share = |trainer: &mut dyn Trainer| -> Result<f64, SaeError> {
        trainer.evaluate(sample)?;
        let dead = trainer.activity().iter().filter(|&&rows| rows == 0);
        Ok(dead.count() as f64 / latents)
    };
    let trainer = &mut *run.trainer;
    let dead = share(trainer)?;
    let mut uncentred = None;
    if run.config.training.center {
        let mut center = vec![0.0; run.config.shape.width];
        trainer.swap_center(&mut center)?;
        uncentred = Some(share(trainer)?);
        trainer.swap_center(&mut center)?;
    }
    Ok(Event::Predicted {
        dead,
        uncentred,
        rows: sample.rows(),
    })
}
