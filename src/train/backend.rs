//! What a training run asks of the engine that makes its steps, on whichever device.

use super::{
    cpu::{Engine, OptimizerState, step_buffers::StepLosses},
    data::batch::Batch,
    gpu::{GpuBackend, GpuEngine},
};
use crate::sae::{error::SaeError, params::Params};
use std::{borrow::Cow, fmt::Debug};

/// A model in training.
pub trait Trainer: Debug {
    /// One step of Adam on a batch. `next` is the batch of the next step, where it is known; that another one comes costs
    /// time alone. `lr_never_grows` promises that the
    /// learning rate will not grow in later steps.
    ///
    /// # Errors
    /// Where the device fails; so for all that follow.
    fn step(
        &mut self,
        batch: &Batch<f32>,
        next: Option<&Batch<f32>>,
        lr: f64,
        lr_never_grows: bool,
    ) -> Result<StepLosses, SaeError>;

    /// The losses of a batch, axioms and implications left out, without learning from it.
    ///
    /// # Errors
    /// Where the device fails.
    fn evaluate(&mut self, batch: &Batch<f32>) -> Result<StepLosses, SaeError>;

    /// Rows of the last batch in which each latent was active, `[n]`.
    fn activity(&self) -> &[u32];

    /// Raises each latent's largest activation, `[n]`, to that of the last batch.
    ///
    /// # Errors
    /// Where the device fails.
    fn raise_maxima(&mut self, maxima: &mut [f32]) -> Result<(), SaeError>;

    /// Parameters and moments.
    ///
    /// # Errors
    /// Where the device fails.
    fn settled(&mut self) -> Result<Settled<'_>, SaeError>;

    /// The parameters as a model is made of them.
    ///
    /// # Errors
    /// Where the device fails.
    fn params(&mut self) -> Result<Params<f32>, SaeError>;

    /// Continues from saved parameters and moments, of the same shape.
    ///
    /// # Errors
    /// Where the device fails.
    fn restore(&mut self, params: Params<f32>, state: OptimizerState<f32>) -> Result<(), SaeError>;

    /// Puts other parameters of the same shape in place.
    ///
    /// # Errors
    /// Where the device fails.
    fn replace_params(&mut self, params: Params<f32>) -> Result<(), SaeError>;

    /// Exchanges the decoder's bias, which centres the input, `[d]`.
    ///
    /// # Errors
    /// Where the device fails.
    fn swap_center(&mut self, b_dec: &mut Vec<f32>) -> Result<(), SaeError>;
}

/// Parameters and moments.
pub type Settled<'a> = (Cow<'a, Params<f32>>, Cow<'a, OptimizerState<f32>>);

impl Trainer for Engine<f32> {
    fn step(
        &mut self,
        batch: &Batch<f32>,
        _: Option<&Batch<f32>>,
        lr: f64,
        lr_never_grows: bool,
    ) -> Result<StepLosses, SaeError> {
        Ok(Engine::step(self, batch, lr, lr_never_grows))
    }

    fn evaluate(&mut self, batch: &Batch<f32>) -> Result<StepLosses, SaeError> {
        Ok(Engine::evaluate(self, batch))
    }

    fn activity(&self) -> &[u32] {
        Engine::activity(self)
    }

    fn raise_maxima(&mut self, maxima: &mut [f32]) -> Result<(), SaeError> {
        for (latents, values) in self.last_rows() {
            for (&latent, &value) in latents.iter().zip(values) {
                let max = &mut maxima[latent as usize];
                *max = max.max(value);
            }
        }
        Ok(())
    }

    fn settled(&mut self) -> Result<Settled<'_>, SaeError> {
        let (params, state) = Engine::settled(self);
        Ok((Cow::Borrowed(params), Cow::Borrowed(state)))
    }

    fn params(&mut self) -> Result<Params<f32>, SaeError> {
        Ok(self.trained_params())
    }

    fn restore(&mut self, params: Params<f32>, state: OptimizerState<f32>) -> Result<(), SaeError> {
        Engine::restore(self, params, state);
        Ok(())
    }

    fn replace_params(&mut self, params: Params<f32>) -> Result<(), SaeError> {
        Engine::replace_params(self, params);
        Ok(())
    }

    fn swap_center(&mut self, b_dec: &mut Vec<f32>) -> Result<(), SaeError> {
        Engine::swap_center(self, b_dec);
        Ok(())
    }
}

impl<M: GpuBackend> Trainer for GpuEngine<M> {
    fn step(
        &mut self,
        batch: &Batch<f32>,
        next: Option<&Batch<f32>>,
        lr: f64,
        _: bool,
    ) -> Result<StepLosses, SaeError> {
        Ok(GpuEngine::step(self, batch, next, lr)?)
    }

    fn evaluate(&mut self, batch: &Batch<f32>) -> Result<StepLosses, SaeError> {
        Ok(GpuEngine::evaluate(self, batch)?)
    }

    fn activity(&self) -> &[u32] {
        GpuEngine::activity(self)
    }

    fn raise_maxima(&mut self, maxima: &mut [f32]) -> Result<(), SaeError> {
        Ok(GpuEngine::raise_maxima(self, maxima)?)
    }

    fn settled(&mut self) -> Result<Settled<'_>, SaeError> {
        let (params, state) = (GpuEngine::params(self)?, self.state()?);
        Ok((Cow::Owned(params), Cow::Owned(state)))
    }

    fn params(&mut self) -> Result<Params<f32>, SaeError> {
        Ok(GpuEngine::params(self)?)
    }

    fn restore(&mut self, params: Params<f32>, state: OptimizerState<f32>) -> Result<(), SaeError> {
        Ok(GpuEngine::restore(self, &params, &state)?)
    }

    fn replace_params(&mut self, params: Params<f32>) -> Result<(), SaeError> {
        Ok(GpuEngine::replace_params(self, &params)?)
    }

    fn swap_center(&mut self, b_dec: &mut Vec<f32>) -> Result<(), SaeError> {
        Ok(GpuEngine::swap_center(self, b_dec)?)
    }
}
