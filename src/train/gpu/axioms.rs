//! The axiom loss on a GPU: axioms are drawn and indexed on the host, hinges and gradients are the GPU's.

use super::{
    Arg, GpuBackend, GpuError,
    engine::WARP,
    memory::{Buffer, count},
    model::{Model, THREADS},
};
use crate::{
    annot::concept::Axioms as Ontology,
    sae::config::{AxiomNorm, Objective, Shape},
    train::loss::axioms::{AxiomLoss, FORMS},
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
        let Shape {
            width: d,
            defined: m,
            ..
        } = model.shape;
        let (at, small, gradient) = (model.layout, &model.small.weights, &model.gradient);
        let (enc, zero) = (model.enc.weights.arg(), small.from(at.w_zero));
        let radii = [small.from(at.b_pred), small.from(at.b_zero)];
        let relations = small.from(at.relations);
        let inverse = if self.unit {
            self.inverse.arg()
        } else {
            Arg::Null
        };
        let (m, width) = (count(m), count(d));
        // what kernels know of classes, in their order
        let classes = [enc, zero, radii[0], radii[1], relations, inverse, m, width];
        let warps = |each: usize| [(each * WARP).div_ceil(THREADS), 1];
        if self.unit {
            let of = [self.classes.arg(), count(self.named)];
            let arguments = [of[0], of[1], enc, zero, m, width, inverse];
            launch!(
                machine,
                "measure_centres",
                warps(self.named),
                THREADS,
                &arguments
            )?;
        }
        let hinges = [self.terms.arg(), count(self.hinges), self.kinds.arg()];
        let results = [
            Arg::F32(self.factor),
            self.pulls.arg(),
            self.weights.arg(),
            self.losses.arg(),
        ];
        let arguments = [&hinges[..], &classes, &results].concat();
        launch!(
            machine,
            "measure_hinges",
            warps(self.hinges),
            THREADS,
            &arguments
        )?;
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
            gradient.from(at.b_pred),
            gradient.from(at.b_zero),
        ];
        let arguments = [&occurrences[..], &classes, &results].concat();
        launch!(
            machine,
            "gather_centres",
            [self.named, 1],
            THREADS,
            &arguments
        )?;
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
        let arguments = [&occurrences[..], &classes, &[self.parts.arg()]].concat();
        let grid = [d.div_ceil(THREADS), parts];
        launch!(machine, "gather_relations", grid, THREADS, &arguments)?;
        for (relation, ends) in self.parts_of.windows(2).enumerate() {
            let arguments = [
                self.parts.from(ends[0] * d),
                count(ends[1] - ends[0]),
                width,
                Arg::F32(1.0),
                gradient.from(at.relations + relation * d),
            ];
            launch!(machine, "add_parts", warps(d), THREADS, &arguments)?;
        }
        Ok(())
    }

    /// Mean hinge of each form, of the last step.
    pub(crate) fn losses(&self, machine: &M) -> Result<[f64; FORMS], GpuError> {
        let mut losses = vec![0.0f32; self.hinges];
        self.losses.fetch(machine, 0, &mut losses)?;
        Ok(self.source.by_form(&losses))
    }
}
