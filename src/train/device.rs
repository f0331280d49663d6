//! Where a model is trained.

#[cfg(feature = "cuda")]
use super::data::dataset::RowRef;
use super::{
    backend::Trainer,
    cpu::Engine,
    gpu::{self, GpuError},
    task::{Task, TrainingData},
};
use crate::annot::concept::Axioms;
use crate::sae::{
    config::Objective, error::SaeError, hierarchy::Hierarchy, params::Params, settings::Training,
};

/// Where a model is trained.
#[derive(Clone, Debug, Default)]
pub(crate) enum Device {
    /// On the CPU.
    #[default]
    Cpu,
    /// On a GPU.
    #[cfg(feature = "cuda")]
    Gpu(gpu::cuda::Cuda, usize),
}

/// Whether this build can train on a GPU.
pub(crate) const HAS_GPU: bool = cfg!(feature = "cuda");

/// What a new model in training is made of.
pub(crate) struct Start<'a> {
    pub(crate) params: Params<f32>,
    pub(crate) objective: &'a Objective,
    pub(crate) training: &'a Training,
    /// Weights of positives, `[m]`.
    pub(crate) weights: Vec<f32>,
    /// Groups of concepts, `[m]`.
    pub(crate) groups: &'a [u8],
    pub(crate) axioms: &'a Axioms,
    pub(crate) hierarchy: Hierarchy,
    pub(crate) held: &'a HeldRows,
}

/// Rows that a device holds.
#[derive(Debug, Default)]
pub(crate) struct HeldRows {
    /// Where each protein's begin, by its number; empty where the device holds none.
    starts: Vec<u32>,
    #[cfg(feature = "cuda")]
    table: Option<std::sync::Arc<gpu::ResidentRows<gpu::cuda::Cuda>>>,
}

impl HeldRows {
    /// Where each protein's rows begin, by its number; empty where the device holds none.
    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }
}

impl Device {
    /// The GPU of a number.
    ///
    /// # Errors
    /// [`GpuError::Failed`] where there is none, or this build knows none.
    #[cfg(feature = "cuda")]
    pub(crate) fn gpu(number: usize) -> Result<Self, GpuError> {
        Ok(Self::Gpu(gpu::cuda::Cuda::new(number)?, number))
    }

    /// The GPU of a number.
    ///
    /// # Errors
    /// [`GpuError::Failed`]: this build knows none.
    #[cfg(not(feature = "cuda"))]
    pub(crate) fn gpu(_: usize) -> Result<Self, GpuError> {
        let message = "this build has no CUDA: it needs the feature cuda";
        Err(GpuError::Failed(message.into()))
    }

    /// Whether a model can be trained on a GPU.
    ///
    /// # Errors
    /// [`GpuError::CpuOnly`], which names the option that cannot.
    pub(crate) fn check_gpu(objective: &Objective, training: &Training) -> Result<(), GpuError> {
        if training.clip.is_some() {
            return Err(GpuError::CpuOnly("clip".into()));
        }
        gpu::check(objective)
    }

    /// Its name.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Cpu => "cpu".into(),
            #[cfg(feature = "cuda")]
            Self::Gpu(_, number) => format!("cuda:{number}"),
        }
    }

    /// Takes the training rows along, to stay, if they will be seen more than once and there is room for them beside the
    /// models.
    ///
    /// # Errors
    /// Where the device fails, or an activation is not finite.
    #[cfg(feature = "cuda")]
    pub(crate) fn hold(
        &self,
        tasks: &[Task<'_>],
        data: &TrainingData<'_>,
        scale: f32,
    ) -> crate::Result<HeldRows> {
        use gpu::GpuBackend;
        let Self::Gpu(machine, _) = self else {
            return Ok(HeldRows::default());
        };
        let (all, width) = (data.data, data.data.width());
        let rows: usize = data.train.iter().map(|&p| all.rows(p) as usize).sum();
        let half = all.is_half();
        let table = rows * width * if half { 2 } else { 4 };
        let models: usize = tasks.iter().map(gpu_bytes).sum();
        let free = machine.free().map_err(SaeError::from)?.unwrap_or(0);
        let again = tasks.iter().any(|task| task.training.epochs > 1);
        if !again || table.saturating_add(models) > free / 10 * 9 || u32::try_from(rows).is_err() {
            return Ok(HeldRows::default());
        }
        let mut held = HeldRows {
            // rows of other proteins are never asked for
            starts: vec![u32::MAX; all.len()],
            table: None,
        };
        let mut next = 0;
        for &protein in &data.train {
            held.starts[protein as usize] = next;
            next += all.rows(protein);
        }
        let of = |&protein: &u32| (0..all.rows(protein)).map(move |row| RowRef { protein, row });
        let mut order = data.train.iter().flat_map(of);
        let mut fill = |x: &mut Vec<f32>| -> Result<bool, SaeError> {
            let Some(at) = order.next() else {
                return Ok(false);
            };
            all.append_activations(at, 1.0, x)?;
            Ok(true)
        };
        let table = gpu::ResidentRows::new(machine, (rows, width), half, scale, &mut fill)?;
        held.table = Some(table.into());
        Ok(held)
    }

    /// Takes nothing along: the CPU has all rows at hand.
    #[cfg(not(feature = "cuda"))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "a GPU may fail"
    )]
    pub(crate) fn hold(
        &self,
        _: &[Task<'_>],
        _: &TrainingData<'_>,
        _: f32,
    ) -> crate::Result<HeldRows> {
        Ok(HeldRows::default())
    }

    /// Begins to train a model.
    ///
    /// # Errors
    /// Where the device fails, or cannot train it.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(clippy::unnecessary_wraps, reason = "a GPU may fail")
    )]
    pub(crate) fn trainer(&self, start: Start<'_>) -> Result<Box<dyn Trainer>, SaeError> {
        match self {
            Self::Cpu => {
                debug_assert!(start.held.starts().is_empty(), "the CPU holds no rows");
                let mut engine = Engine::new(
                    start.params,
                    start.objective.clone(),
                    start.weights,
                    start.axioms,
                    start.training.seed,
                );
                engine.group_concepts(start.groups);
                engine.set_hierarchy(start.hierarchy);
                engine.clip(start.training.clip);
                engine.split(start.training.compute.split());
                Ok(Box::new(engine))
            }
            #[cfg(feature = "cuda")]
            Self::Gpu(machine, _) => {
                Self::check_gpu(start.objective, start.training)?;
                let mut engine = gpu::GpuEngine::new(
                    machine.clone(),
                    &start.params,
                    start.objective.clone(),
                    &start.weights,
                    start.axioms,
                    start.training.seed,
                    start.training.compute,
                )?;
                engine.group_concepts(start.groups)?;
                engine.set_hierarchy(&start.hierarchy)?;
                if let Some(table) = &start.held.table {
                    engine.hold(table.clone());
                }
                Ok(Box::new(engine))
            }
        }
    }
}

/// Bytes that a GPU needs to train a model.
#[cfg(feature = "cuda")]
fn gpu_bytes(task: &Task<'_>) -> usize {
    let training = &task.training;
    let rows = training.batch.max(super::task::SURVEY_ROWS);
    gpu::bytes(task.shape, &task.objective, training.compute, rows)
}
