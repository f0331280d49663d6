//! The engine: a model in training on a GPU.

use super::{
    GpuBackend, GpuError, Operand, ResidentRows,
    axioms::Axioms,
    concepts::Concepts,
    memory::{Buffer, count},
    model::{Model, THREADS, WARP},
    step_buffers::{COUNTS, Sizes, StepBuffers},
};
use crate::{
    annot::concept::Axioms as Ontology,
    sae::{
        config::{AxiomNorm, Objective, Variant},
        hierarchy::Hierarchy,
        params::Params,
    },
    train::{
        adam::Rates,
        cpu::{
            OptimizerState,
            block::Sums,
            step_buffers::{Counts, StepLosses},
        },
        data::batch::Batch,
        loss::axioms::FormLosses,
    },
};
use std::sync::Arc;

/// Threads of a block that works on a row together.
pub(crate) const ROW_THREADS: usize = 512;

/// A model in training on a GPU: `TopK` and `ProtSAE`.
#[derive(Debug)]
pub struct GpuEngine<M: GpuBackend> {
    pub(crate) machine: M,
    pub(crate) objective: Objective,
    pub(crate) sizes: Sizes,
    pub(crate) model: Model<M>,
    pub(crate) work: StepBuffers<M>,
    pub(crate) axioms: Option<Axioms<M>>,
    pub(crate) seed: u64,
    pub(crate) step: u64,
    pub(crate) concepts: Concepts<M>,
    /// Groups of concepts, `[m]`.
    pub(crate) groups: Vec<u8>,
    /// Which of the two places for activations the batch has.
    pub(crate) turn: usize,
    /// The number of the activations that were sent to the other.
    pub(crate) staged: Option<u64>,
    /// Activations that are there.
    pub(crate) held: Option<Arc<ResidentRows<M>>>,
    /// Rows in which each latent was active, `[n]`.
    activity: Vec<u32>,
}

/// Demands an objective that there are kernels for.
///
/// # Errors
/// [`GpuError::CpuOnly`], which names the option.
pub fn check(objective: &Objective) -> Result<(), GpuError> {
    let only = |what: &str| Err(GpuError::CpuOnly(what.into()));
    match objective.variant {
        Variant::Protsae(_) | Variant::Topk(_) => {}
        other => return only(&format!("variant {}", other.name())),
    }
    if objective.axiom_norm == AxiomNorm::Batchnorm && objective.lambda_axiom > 0.0 {
        return only("axiom_norm batchnorm");
    }
    if objective.aux_k.is_some() {
        return only("aux_k");
    }
    if !objective.prefixes.is_empty() {
        return only("prefixes");
    }
    if objective.aligned {
        return only("aligned");
    }
    Ok(())
}

impl<M: GpuBackend> GpuEngine<M> {
    /// Begins training; arguments as those of [`crate::train::cpu::Engine::new`]. `operand` is the type that products
    /// multiply; weights and moments are f32.
    ///
    /// # Errors
    /// [`GpuError::CpuOnly`] for objectives that it has no kernels for; where the GPU fails.
    ///
    /// # Panics
    /// If the number of weights is another one.
    pub fn new(
        machine: M,
        params: &Params<f32>,
        objective: Objective,
        weights: &[f32],
        axioms: &Ontology,
        seed: u64,
        operand: Operand,
    ) -> Result<Self, GpuError> {
        let shape = params.shape;
        assert_eq!(weights.len(), shape.defined, "one weight a defined latent");
        check(&objective)?;
        let sizes = Sizes::new(shape, &objective, operand);
        Ok(Self {
            model: Model::new(&machine, params, operand)?,
            work: StepBuffers::new(&machine, &sizes, 1)?,
            axioms: Axioms::new(&machine, axioms, shape, &objective)?,
            concepts: Concepts::new(&machine, weights)?,
            groups: vec![0; weights.len()],
            seed,
            step: 0,
            turn: 0,
            staged: None,
            held: None,
            activity: vec![0; shape.latents],
            machine,
            objective,
            sizes,
        })
    }

    /// As [`crate::train::cpu::Engine::group_concepts`].
    ///
    /// # Errors
    /// Where the GPU fails.
    ///
    /// # Panics
    /// If the number of concepts is another one.
    pub fn group_concepts(&mut self, groups: &[u8]) -> Result<(), GpuError> {
        assert_eq!(groups.len(), self.groups.len(), "one group a concept");
        self.groups.copy_from_slice(groups);
        self.concepts.put_groups(&self.machine, groups)
    }

    /// As [`crate::train::cpu::Engine::set_hierarchy`].
    ///
    /// # Errors
    /// Where the GPU fails.
    pub fn set_hierarchy(&mut self, hierarchy: &Hierarchy) -> Result<(), GpuError> {
        self.concepts
            .put_hierarchy(&self.machine, &self.objective, hierarchy)
    }

    /// Rows of the last batch in which each latent was active, `[n]`.
    #[must_use]
    pub fn activity(&self) -> &[u32] {
        &self.activity
    }

    /// The parameters.
    ///
    /// # Errors
    /// Where the GPU fails.
    pub fn params(&self) -> Result<Params<f32>, GpuError> {
        self.model.params(&self.machine, &self.objective)
    }

    /// The moments of all parameters.
    ///
    /// # Errors
    /// Where the GPU fails.
    pub fn state(&self) -> Result<OptimizerState<f32>, GpuError> {
        self.model
            .moments(&self.machine, &self.objective, self.step)
    }

    /// Continues from saved parameters and moments.
    ///
    /// # Errors
    /// Where the GPU fails.
    pub fn restore(
        &mut self,
        params: &Params<f32>,
        state: &OptimizerState<f32>,
    ) -> Result<(), GpuError> {
        self.step = state.step;
        self.replace_params(params)?;
        self.model
            .put_moments(&self.machine, &state.first, &state.second)
    }

    /// Puts other parameters in place.
    ///
    /// # Errors
    /// Where the GPU fails.
    ///
    /// # Panics
    /// If they are of another shape: they come from this run.
    pub fn replace_params(&mut self, params: &Params<f32>) -> Result<(), GpuError> {
        assert_eq!(params.shape, self.model.shape, "shape of the parameters");
        self.model.put(&self.machine, params)
    }

    /// From now on, batches may name rows of what the GPU holds instead of carrying activations.
    pub fn hold(&mut self, table: Arc<ResidentRows<M>>) {
        self.held = Some(table);
    }

    /// Exchanges the decoder's bias, which centres the input, `[d]`.
    ///
    /// # Errors
    /// Where the GPU fails.
    pub fn swap_center(&mut self, b_dec: &mut Vec<f32>) -> Result<(), GpuError> {
        let mut old = vec![0.0; self.model.shape.width];
        let at = self.model.layout.b_dec;
        let small = &mut self.model.small.weights;
        small.fetch(&self.machine, at, &mut old)?;
        small.put_at(&self.machine, at, b_dec)?;
        *b_dec = old;
        Ok(())
    }

    /// The losses of a batch, axioms and implications left out, without learning from it.
    ///
    /// # Errors
    /// Where the GPU fails.
    pub fn evaluate(&mut self, batch: &Batch<f32>) -> Result<StepLosses, GpuError> {
        self.forward(batch, false)?;
        self.index(batch.rows())?;
        self.losses(batch, None)
    }

    /// One step of Adam on a batch. `next` is the batch of the next step, where it is known: its activations travel while
    /// this one is computed. Whichever batch comes then, it has its own activations: others that were sent are not taken.
    ///
    /// # Errors
    /// [`GpuError::Batch`] where the batch does not fit the model; where the GPU fails.
    pub fn step(
        &mut self,
        batch: &Batch<f32>,
        next: Option<&Batch<f32>>,
        lr: f64,
    ) -> Result<StepLosses, GpuError> {
        self.forward(batch, true)?;
        self.index(batch.rows())?;
        self.gradients(batch.rows())?;
        self.step += 1;
        self.learn(batch.rows(), Rates::new(self.step, lr, false))?;
        if let Some(next) = next.filter(|next| next.held.is_empty()) {
            self.staged = None;
            self.work.x[1 - self.turn].send(&self.machine, &next.x)?;
            self.staged = Some(next.x.number());
        }
        let forms = match &self.axioms {
            Some(axioms) => axioms.losses(&self.machine)?,
            None => FormLosses::default(),
        };
        self.losses(batch, Some(forms))
    }

    /// Raises each latent's largest activation to that of the last batch.
    ///
    /// # Errors
    /// Where the GPU fails.
    pub fn raise_maxima(&mut self, maxima: &mut [f32]) -> Result<(), GpuError> {
        let (w, n) = (&self.work, self.model.shape.latents);
        let arguments = [
            w.lists.arg(),
            w.list_places.arg(),
            w.values.arg(),
            count(n),
            w.inputs.arg(),
        ];
        let blocks = (n * WARP).div_ceil(THREADS);
        launch!(self.machine, "largest", [blocks, 1], THREADS, &arguments)?;
        let mut here = vec![0.0f32; n];
        w.inputs.fetch(&self.machine, 0, &mut here)?;
        for (max, here) in maxima.iter_mut().zip(here) {
            *max = max.max(here);
        }
        Ok(())
    }

    /// The name of a kernel for the type of operands, of the two names.
    pub(crate) fn typed(&self, [of_f32, of_bf16]: [&'static str; 2]) -> &'static str {
        match self.sizes.operand {
            Operand::F32 => of_f32,
            Operand::Bf16 => of_bf16,
        }
    }

    /// The losses of the batch, once all that was asked for it is done; without `forms`, of a batch that is only measured.
    fn losses(
        &mut self,
        batch: &Batch<f32>,
        forms: Option<FormLosses>,
    ) -> Result<StepLosses, GpuError> {
        let rows = batch.rows();
        let (machine, w) = (&self.machine, &self.work);
        w.active.fetch(machine, 0, &mut self.activity)?;
        let mut counts = vec![[0u32; COUNTS]; rows];
        w.counts.fetch(machine, 0, counts.as_flattened_mut())?;
        let sum = |buffer: &Buffer<M>| -> Result<f64, GpuError> {
            let mut values = vec![0.0f64; rows];
            buffer.fetch(machine, 0, &mut values)?;
            Ok(values.iter().sum())
        };
        let mut sums = Sums {
            rec: sum(&w.errors)?,
            defined_share: sum(&w.shares)?,
            ..Sums::default()
        };
        sums.nested = sums.rec;
        if self.model.shape.defined > 0 {
            sums.annot = sum(&w.losses)?;
        }
        if forms.is_some() && self.concepts.edges.is_some() {
            sums.implication = sum(&w.implications)?;
        }
        for [active, _, predicted, participating, forced] in counts {
            sums.active += u64::from(active);
            sums.predicted += u64::from(predicted);
            sums.participating += u64::from(participating);
            sums.forced += u64::from(forced);
        }
        let counts = Counts::of(batch, &self.groups);
        let forms = forms.unwrap_or_default();
        Ok(StepLosses::new(&self.objective, counts, sums, forms))
    }
}
