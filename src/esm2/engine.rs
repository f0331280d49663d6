//! The model on the device that was asked for.

use super::{Activations, Batch, Esm2Error, Model, ModelFolder, Place, model::Needs};

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On a GPU where this build and this machine have one, else on the CPU.
    Auto,
    /// On the CPU.
    Cpu,
    /// On the GPU of this number.
    Cuda(usize),
}

/// A loaded model, wherever it runs.
pub enum Engine {
    /// On the CPU, by panels.
    Cpu(Model),
}

impl Engine {
    /// Loads what is needed of a model.
    ///
    /// # Errors
    /// [`Esm2Error`] where a tensor does not fit or there is no such device.
    pub fn load(folder: &ModelFolder, needs: Needs, at: Where) -> Result<Self, Esm2Error> {
        if let Where::Cuda(_) = at {
            return Err(Esm2Error::NoDevice(
                "this build has no CUDA: build it with --features cuda, or say --device cpu".into(),
            ));
        }
        Model::load(folder, needs).map(Self::Cpu)
    }

    /// Name of the device, for the log.
    #[must_use]
    pub fn device(&self) -> &str {
        match self {
            Self::Cpu(_) => "cpu",
        }
    }

    /// Activations of every token of a batch at each of `places`.
    ///
    /// # Errors
    /// [`Esm2Error::Device`] where the device fails.
    pub fn forward(&self, batch: &Batch, places: &[Place]) -> Result<Activations, Esm2Error> {
        match self {
            Self::Cpu(model) => Ok(model.forward(batch, places, None)),
        }
    }
}
