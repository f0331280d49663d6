//! The axiom loss on a GPU: axioms are drawn and indexed on the host, hinges and gradients are the GPU's.

use super::{
    Arg, GpuBackend, GpuError,
    memory::{Buffer, count},
    model::{Model, THREADS, WARP},
};
use crate::{
    annot::concept::Axioms as Ontology,
    sae::config::{AxiomNorm, AxiomRadius, Objective, Shape},
    train::loss::axioms::{AxiomLoss, FormLosses},
};

/// Hinges of a relation that are summed together.
const TOGETHER: usize = 32;
/// Where a class that no axiom of the step names stands; as in `common.cuh`.
const NONE: u32 = u32::MAX;

/// The axiom loss of a model, and what a step needs of it.
#[derive(Debug)]
pub(crate) struct Axioms<M: GpuBackend> {
    /// Draws the axioms.
    source: AxiomLoss<f32>,
    factor: f32,
    unit: bool,
    radius: AxiomRadius,
    /// Whether what was drawn is there.
    there: bool,
    hinges: usize,
    named: usize,
    /// First part of each relation, and the end of the last.
    parts_of: Vec<usize>,
    terms: Buffer<M>,
    kinds: Buffer<M>,
    classes: Buffer<M>,
    starts: Buffer<M>,
    incident: Buffer<M>,
    part_starts: Buffer<M>,
    of_relation: Buffer<M>,
    pulls: Buffer<M>,
    weights: Buffer<M>,
    losses: Buffer<M>,
    inverse: Buffer<M>,
    parts: Buffer<M>,
    /// Where the gradient of each concept's centre stands among [`Self::centres`], `[m]`.
    pub(crate) slots: Buffer<M>,
    /// Gradients of the centres that are named, `[named, d]`.
    pub(crate) centres: Buffer<M>,
}

impl<M: GpuBackend> Axioms<M> {
    /// The loss over these axioms; none where there is nothing to compute.
    pub(crate) fn new(
        machine: &M,
        axioms: &Ontology,
        shape: Shape,
        objective: &Objective,
    ) -> Result<Option<Self>, GpuError> {
        let Some(source) = AxiomLoss::new(axioms, shape, objective) else {
            return Ok(None);
        };
        let none = || Buffer::zeros(machine, 0);
        let unit = objective.axiom_norm == AxiomNorm::Unit;
        let lengths = if unit { shape.classes() } else { 0 };
        Ok(Some(Self {
            source,
            factor: objective.lambda_axiom as f32,
            unit,
            radius: objective.axiom_radius,
            there: false,
            hinges: 0,
            named: 0,
            parts_of: Vec::new(),
            terms: none()?,
            kinds: none()?,
            classes: none()?,
            starts: none()?,
            incident: none()?,
            part_starts: none()?,
            of_relation: none()?,
            pulls: none()?,
            weights: none()?,
            losses: none()?,
            inverse: Buffer::zeros(machine, lengths * size_of::<f32>())?,
            parts: none()?,
            slots: Buffer::of(machine, &vec![NONE; shape.defined])?,
            centres: none()?,
        }))
    }

    /// Chooses the axioms of a step.
    pub(crate) fn choose(&mut self, machine: &M, seed: u64, step: u64) -> Result<(), GpuError> {
        if self.there && !self.source.draws() {
            return Ok(());
        }
        self.source.choose(seed, step);
        self.there = true;
        let drawn = self.source.drawn();
        self.hinges = drawn.terms.len();
        self.terms.put(machine, drawn.terms.as_flattened())?;
        self.kinds.put(machine, drawn.kinds.as_flattened())?;
        self.classes.put(machine, &drawn.named)?;
        self.named = drawn.named.len();
        self.starts.put(machine, &drawn.starts)?;
        self.incident.put(machine, drawn.incident)?;
        let shape = self.source.shape();
        let mut slots = vec![NONE; shape.defined];
        for (slot, &class) in (0..).zip(&drawn.named) {
            if let Some(place) = slots.get_mut(class as usize) {
                *place = slot;
            }
        }
        self.slots.put(machine, &slots)?;
        let mut part_starts = vec![0];
        self.parts_of.clear();
        for ends in drawn.relation_starts.windows(2) {
            self.parts_of.push(part_starts.len() - 1);
            let mut at = ends[0];
            while at < ends[1] {
                at = ends[1].min(at + TOGETHER as u32);
                part_starts.push(at);
            }
        }
        let parts = part_starts.len() - 1;
        self.parts_of.push(parts);
        self.part_starts.put(machine, &part_starts)?;
        self.of_relation.put(machine, drawn.of_relation)?;
        let d = shape.width;
        for (buffer, numbers) in [
            (&mut self.pulls, self.hinges),
            (&mut self.weights, self.hinges),
            (&mut self.losses, self.hinges),
            (&mut self.centres, self.named * d),
            (&mut self.parts, parts * d),
        ] {
            buffer.reserve(machine, numbers * size_of::<f32>())?;
        }
        Ok(())
    }

    /// Gradients of the chosen axioms: those of concepts' centres are left here, the others are added to the model's.
    pub(crate) fn compute(&self, machine: &M, model: &Model<M>) -> Result<(), GpuError> {
        let classes = self.classes(model);
        if self.unit {
            let arguments = [
                self.classes.arg(),
                count(self.named),
                model.enc.weights.arg(),
                model.small.weights.from(model.layout.w_zero),
                count(model.shape.defined),
                count(model.shape.width),
                self.inverse.arg(),
            ];
            let blocks = warps(self.named);
            launch!(machine, "measure_centres", blocks, THREADS, &arguments)?;
        }
        self.measure_hinges(machine, &classes)?;
        self.gather_centres(machine, model, &classes)?;
        self.gather_relations(machine, model, &classes)
    }

    /// What kernels know of classes, in their order.
    fn classes<'a>(&'a self, model: &'a Model<M>) -> [Arg<'a, M::Memory>; 10] {
        let (at, small) = (model.layout, &model.small.weights);
        let is_signed = self.radius == AxiomRadius::Signed;
        [
            model.enc.weights.arg(),
            small.from(at.w_zero),
            small.from(at.class_bias),
            small.from(at.b_zero),
            small.from(at.relations),
            if self.unit {
                self.inverse.arg()
            } else {
                Arg::Null
            },
            count(model.shape.defined),
            count(model.shape.width),
            count(usize::from(is_signed)),
            Arg::F32(AxiomRadius::SHIFT as f32),
        ]
    }

    /// Which hinges are active, and how strongly each pulls.
    fn measure_hinges(&self, machine: &M, classes: &[Arg<'_, M::Memory>]) -> Result<(), GpuError> {
        let hinges = [self.terms.arg(), count(self.hinges), self.kinds.arg()];
        let results = [
            Arg::F32(self.factor),
            self.pulls.arg(),
            self.weights.arg(),
            self.losses.arg(),
        ];
        let arguments = [&hinges[..], classes, &results].concat();
        let blocks = warps(self.hinges);
        launch!(machine, "measure_hinges", blocks, THREADS, &arguments)
    }

    /// Gradients of centres and of the biases that radii go by.
    fn gather_centres(
        &self,
        machine: &M,
        model: &Model<M>,
        classes: &[Arg<'_, M::Memory>],
    ) -> Result<(), GpuError> {
        let (at, gradient) = (model.layout, &model.gradient);
        let occurrences = [
            self.classes.arg(),
            self.starts.arg(),
            self.incident.arg(),
            self.terms.arg(),
            self.kinds.arg(),
            self.pulls.arg(),
            self.weights.arg(),
        ];
        let results = [
            self.centres.arg(),
            gradient.from(at.w_zero),
            gradient.from(at.class_bias),
            gradient.from(at.b_zero),
        ];
        let arguments = [&occurrences[..], classes, &results].concat();
        let blocks = [self.named, 1];
        launch!(machine, "gather_centres", blocks, THREADS, &arguments)
    }

    /// Gradients of the relations' vectors: few and long lists, summed by parts.
    fn gather_relations(
        &self,
        machine: &M,
        model: &Model<M>,
        classes: &[Arg<'_, M::Memory>],
    ) -> Result<(), GpuError> {
        let d = model.shape.width;
        let parts = self.parts_of.last().copied().unwrap_or(0);
        if parts == 0 {
            return Ok(());
        }
        let occurrences = [
            self.part_starts.arg(),
            self.of_relation.arg(),
            self.terms.arg(),
            self.kinds.arg(),
            self.pulls.arg(),
        ];
        let arguments = [&occurrences[..], classes, &[self.parts.arg()]].concat();
        let grid = [d.div_ceil(THREADS), parts];
        launch!(machine, "gather_relations", grid, THREADS, &arguments)?;
        for (relation, ends) in self.parts_of.windows(2).enumerate() {
            let arguments = [
                self.parts.from(ends[0] * d),
                count(ends[1] - ends[0]),
                count(d),
                Arg::F32(1.0),
                model.gradient.from(model.layout.relations + relation * d),
            ];
            launch!(machine, "add_parts", warps(d), THREADS, &arguments)?;
        }
        Ok(())
    }

    /// What each form adds to the loss, of the last step.
    pub(crate) fn losses(&self, machine: &M) -> Result<FormLosses, GpuError> {
        let mut losses = vec![0.0f32; self.hinges];
        self.losses.fetch(machine, 0, &mut losses)?;
        Ok(self.source.by_form(&losses))
    }
}

/// Blocks in which each of so many has a warp.
fn warps(each: usize) -> [usize; 2] {
    [(each * WARP).div_ceil(THREADS), 1]
}
