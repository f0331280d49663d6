//! The GPU's training engine against the CPU's: the same steps, to rounding. The kernels run on a machine made of a
//! CPU, and where there is one on a GPU.

mod encode;
mod staging;

use super::{machines::on_machines, relative_error};
use protsae::{
    annot::concept::Axioms,
    math::random::{Purpose, below, normal, stream, unit},
    sae::{
        config::{AxiomNorm, ForcedBy, ForcedMean, Objective, Shape, Variant},
        hierarchy::Hierarchy,
        params::Params,
        variants::{Gated, Topk},
    },
    train::{
        cpu::{Engine, step_buffers::StepLosses},
        data::batch::Batch,
        gpu::{GpuBackend, GpuEngine, GpuError, Operand, ResidentRows},
    },
};

/// Of f32 operands: sums in another order, over at most a few hundred numbers.
const EXACT: f64 = 2e-5;
/// The same after Adam, which divides gradients by their own size, be they nothing but rounding.
const MOVED: f64 = 2e-4;
/// Of bf16 operands, which have 8 bits.
const ROUNDED: f64 = 3e-2;
const LR: f64 = 1e-3;

const SHAPE: Shape = Shape {
    width: 24,
    latents: 80,
    defined: 12,
    zero_classes: 3,
    relations: 2,
};

fn params(shape: Shape, objective: &Objective) -> Params<f32> {
    let mut rng = stream(7, Purpose::Weights, 1);
    let mut params = Params::initial(shape, objective, 7, -0.5, &vec![0.1; shape.width]);
    for value in params
        .b_enc
        .iter_mut()
        .chain(&mut params.r_pred)
        .chain(&mut params.b_zero)
        .chain(&mut params.b_pred)
        .chain(&mut params.b_center)
    {
        *value += 0.2 * normal(&mut rng) as f32;
    }
    let center: Vec<f32> = (0..shape.width).map(|i| 0.02 * i as f32 - 0.1).collect();
    params.set_center(&center);
    params
}

/// A batch whose rows know all, some or none of the two groups of concepts.
fn batch(shape: Shape, rows: usize, part: u64) -> Batch<f32> {
    let mut rng = stream(3, Purpose::Rows, part);
    let mut batch = Batch::default();
    batch.clear();
    for row in 0..rows {
        for _ in 0..shape.width {
            batch.x.push(normal(&mut rng) as f32);
        }
        let spoken = [u64::MAX, 0, 1, u64::MAX][row % 4];
        for concept in 0..shape.defined as u32 {
            let speaks = spoken >> (concept % 2) & 1 == 1;
            if speaks && unit(&mut rng) < 0.2 {
                batch.labels.push(concept);
            }
        }
        batch.end_row_of(spoken);
    }
    batch
}

fn axioms(shape: Shape) -> Axioms {
    let mut rng = stream(5, Purpose::Axioms, 0);
    let mut class = || below(&mut rng, shape.classes() as u64) as u32;
    let mut axioms = Axioms::default();
    for i in 0..40 {
        let relation = i % shape.relations.max(1) as u32;
        axioms.nf1.push([class(), class()]);
        axioms.nf2.push([class(), class(), class()]);
        axioms.nf3.push([relation, class(), class()]);
        axioms.nf4.push([class(), relation, class()]);
        axioms.disjoint.push([class(), class()]);
    }
    axioms
}

/// Every concept but the first two has the one of half its number as a parent, and some the first too.
fn hierarchy(concepts: usize) -> Hierarchy {
    let parents: Vec<Vec<u32>> = (0..concepts as u32)
        .map(|c| match c {
            0 | 1 => Vec::new(),
            c if c % 3 == 0 => vec![c / 2, 0],
            c => vec![c / 2],
        })
        .collect();
    let parents: Vec<&[u32]> = parents.iter().map(Vec::as_slice).collect();
    Hierarchy::of_parents(&parents)
}

/// Both engines at the same start.
struct Pair<M: GpuBackend> {
    cpu: Engine<f32>,
    gpu: GpuEngine<M>,
}

impl<M: GpuBackend> Pair<M> {
    fn new(machine: M, shape: Shape, objective: &Objective, operand: Operand) -> Self {
        Self::of(machine, params(shape, objective), objective, operand)
    }

    fn of(machine: M, params: Params<f32>, objective: &Objective, operand: Operand) -> Self {
        let shape = params.shape;
        let weights: Vec<f32> = (0..shape.defined).map(|c| 1.0 + c as f32 / 4.0).collect();
        let groups: Vec<u8> = (0..shape.defined).map(|c| (c % 2) as u8).collect();
        let ontology = if shape.defined > 0 {
            axioms(shape)
        } else {
            Axioms::default()
        };
        let mut gpu = GpuEngine::new(
            machine,
            &params,
            objective.clone(),
            &weights,
            &ontology,
            11,
            operand,
        )
        .unwrap();
        gpu.group_concepts(&groups).unwrap();
        let hierarchy = hierarchy(shape.defined);
        gpu.set_hierarchy(&hierarchy).unwrap();
        let mut cpu = Engine::new(params, objective.clone(), weights, &ontology, 11);
        cpu.group_concepts(&groups);
        cpu.set_hierarchy(hierarchy);
        Self { cpu, gpu }
    }

    /// The same steps on both, every other batch sent ahead.
    fn steps(&mut self, name: &str, batches: &[Batch<f32>], tolerance: f64) {
        for (i, batch) in batches.iter().enumerate() {
            let next = batches.get(i + 1).filter(|_| i % 2 == 0);
            let want = self.cpu.step(batch, LR, false);
            let got = self.gpu.step(batch, next, LR).unwrap();
            let name = &format!("{name}, batch {i} of {}", batches.len());
            same_losses(name, &got, &want, tolerance);
            if tolerance < ROUNDED {
                assert_eq!(self.gpu.activity(), self.cpu.activity(), "{name}: activity");
            }
        }
    }

    /// Parameters and moments of both.
    fn compare(&mut self, name: &str, tolerance: f64, of_moments: f64) {
        let (params, state) = self.cpu.settled();
        let of_gpu = self.gpu.state().unwrap();
        same_params(name, &self.gpu.params().unwrap(), params, tolerance);
        same_params(name, &of_gpu.first, &state.first, of_moments);
        same_params(name, &of_gpu.second, &state.second, 2.0 * of_moments);
        assert_eq!(of_gpu.step, state.step);
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn same_params(name: &str, got: &Params<f32>, want: &Params<f32>, tolerance: f64) {
    for ((tensor, _, got), (.., want)) in got.tensors().zip(want.tensors()) {
        let error = relative_error(&wide(got), &wide(want));
        assert!(error < tolerance, "{name}: {tensor} is {error:e} away");
    }
}

fn same_losses(name: &str, got: &StepLosses, want: &StepLosses, tolerance: f64) {
    let near = |what: &str, got: f64, want: f64| {
        let error = (got - want).abs() / want.abs().max(1e-3);
        assert!(error < tolerance, "{name}: {what} is {got}, not {want}");
    };
    near("reconstruction", got.rec, want.rec);
    near("annotation", got.annot, want.annot);
    near("implication", got.implication, want.implication);
    near("share", got.sums.defined_share, want.sums.defined_share);
    for (got, want) in got.forms.iter().zip(want.forms) {
        near("axioms", *got, want);
    }
    near("loss", got.total, want.total);
    if tolerance < ROUNDED {
        let counts = |l: &StepLosses| {
            let s = &l.sums;
            (s.active, s.forced, s.predicted, s.participating)
        };
        assert_eq!(counts(got), counts(want), "{name}: counts");
        assert_eq!((got.rows, got.annotated), (want.rows, want.annotated));
    }
}

fn objective() -> Objective {
    Objective {
        variant: Variant::default().with_k(6),
        axioms_per_step: Some(8),
        ..Objective::default()
    }
}

/// The switches of the paper.
fn paper() -> Objective {
    Objective {
        variant: Variant::default().with_k(6),
        axioms_per_step: Some(8),
        ..Objective::paper()
    }
}

fn cases() -> Vec<(&'static str, Shape, Objective)> {
    let topk = Shape {
        defined: 0,
        zero_classes: 0,
        relations: 0,
        ..SHAPE
    };
    // so many latents for one active one that decoder rows are gathered
    let sparse = Shape {
        latents: 300,
        ..SHAPE
    };
    vec![
        ("protsae", SHAPE, objective()),
        ("of the paper", SHAPE, paper()),
        (
            "of the paper, unit length",
            SHAPE,
            Objective {
                axiom_norm: AxiomNorm::Unit,
                ..paper()
            },
        ),
        (
            "coherent, not detached, other centres",
            SHAPE,
            Objective {
                forced_by: ForcedBy::Coherent,
                detach: false,
                axiom_norm: AxiomNorm::None,
                ..objective()
            },
        ),
        (
            "sparse",
            sparse,
            Objective {
                variant: Variant::default().with_k(2),
                ..objective()
            },
        ),
        (
            "not detached, mean of the active",
            SHAPE,
            Objective {
                detach: false,
                forced_mean: ForcedMean::Active,
                ..objective()
            },
        ),
        (
            "not forced, no scales, all axioms, unit length",
            SHAPE,
            Objective {
                forced_activation: false,
                rescale: false,
                axioms_per_step: None,
                axiom_norm: AxiomNorm::Unit,
                ..objective()
            },
        ),
        (
            "only concepts, all kept",
            Shape {
                latents: SHAPE.defined,
                ..SHAPE
            },
            Objective {
                variant: Variant::default().with_k(SHAPE.defined),
                lambda_axiom: 0.0,
                ..objective()
            },
        ),
        (
            "topk",
            topk,
            Objective {
                variant: Variant::Topk(Topk { k: 6 }),
                ..objective()
            },
        ),
    ]
}

fn batches(shape: Shape) -> Vec<Batch<f32>> {
    // the second is larger than the first, the third smaller
    [(16, 0), (70, 1), (33, 2)]
        .map(|(rows, part)| batch(shape, rows, part))
        .into()
}

on_machines!(
    steps_are_those_of_the_cpu,
    bf16_steps_are_near_those_of_the_cpu,
    ties_go_to_the_lower_latent,
    saved_and_restored_it_goes_on_to_the_same_bytes,
    what_is_measured_meanwhile_changes_no_step,
    rows_that_are_held_are_those_that_are_sent,
    what_only_the_cpu_can_is_refused,
);

fn steps_are_those_of_the_cpu<M: GpuBackend + Clone>(machine: &M) {
    for (name, shape, objective) in cases() {
        let batches = batches(shape);
        let mut pair = Pair::new(machine.clone(), shape, &objective, Operand::F32);
        pair.steps(name, &batches[..1], EXACT);
        pair.compare(name, MOVED, EXACT);
        pair.steps(name, &batches[1..], MOVED);
        pair.compare(name, MOVED, MOVED);
        evaluated_alike(name, &mut pair, &batches[0]);
    }
}

fn bf16_steps_are_near_those_of_the_cpu<M: GpuBackend + Clone>(machine: &M) {
    for (name, shape, objective) in cases() {
        let batches = batches(shape);
        let mut pair = Pair::new(machine.clone(), shape, &objective, Operand::Bf16);
        pair.steps(name, &batches[..1], ROUNDED);
        pair.compare(name, ROUNDED, 0.2);
    }
}

fn evaluated_alike<M: GpuBackend>(name: &str, pair: &mut Pair<M>, batch: &Batch<f32>) {
    let want = pair.cpu.evaluate(batch);
    let got = pair.gpu.evaluate(batch).unwrap();
    same_losses(name, &got, &want, MOVED);
    let latents = pair.cpu.activity().len();
    let (mut left, mut right) = (vec![0.5f32; latents], vec![0.5f32; latents]);
    pair.gpu.raise_maxima(&mut left).unwrap();
    for (latents, values) in pair.cpu.last_rows() {
        for (&latent, &value) in latents.iter().zip(values) {
            right[latent as usize] = right[latent as usize].max(value);
        }
    }
    assert!(right.iter().any(|&max| max > 0.5));
    let error = relative_error(&wide(&left), &wide(&right));
    assert!(error < MOVED, "{name}: maxima are {error:e} away");
}

/// Whole numbers, whose sums are exact: pre-activations are equal by the dozen.
fn ties_go_to_the_lower_latent<M: GpuBackend + Clone>(machine: &M) {
    let objective = objective();
    let mut params = Params::zeros_for(SHAPE, &objective);
    let mut rng = stream(9, Purpose::Weights, 0);
    let mut whole = |values: &mut [f32]| {
        for value in values {
            *value = below(&mut rng, 3) as f32 - 1.0;
        }
    };
    whole(&mut params.enc);
    whole(&mut params.dec);
    let mut batch = batch(SHAPE, 40, 4);
    whole(&mut batch.x);
    let mut pair = Pair::of(machine.clone(), params, &objective, Operand::F32);
    let want = pair.cpu.evaluate(&batch);
    let got = pair.gpu.evaluate(&batch).unwrap();
    assert!(want.sums.forced > 0, "nothing is forced");
    same_losses("ties", &got, &want, EXACT);
    assert_eq!(pair.gpu.activity(), pair.cpu.activity());
}

/// Saved and restored, training goes on to the same bytes; and steps are the same each time.
fn saved_and_restored_it_goes_on_to_the_same_bytes<M: GpuBackend + Clone>(machine: &M) {
    let objective = objective();
    let batches = batches(SHAPE);
    let mut runs = [0, 1].map(|_| Pair::new(machine.clone(), SHAPE, &objective, Operand::Bf16).gpu);
    for run in &mut runs {
        run.step(&batches[0], None, LR).unwrap();
    }
    let [mut whole, begun] = runs;
    let mut resumed = Pair::new(machine.clone(), SHAPE, &objective, Operand::Bf16).gpu;
    let (params, state) = (begun.params().unwrap(), begun.state().unwrap());
    resumed.restore(&params, &state).unwrap();
    for batch in &batches[1..] {
        whole.step(batch, None, LR).unwrap();
        resumed.step(batch, None, LR).unwrap();
    }
    assert!(whole.params().unwrap() == resumed.params().unwrap());
    assert!(whole.state().unwrap().second == resumed.state().unwrap().second);
    resumed.replace_params(&params).unwrap();
    assert!(resumed.params().unwrap() == params);
}

/// A batch that was sent ahead is that of the next step, whatever is measured before it.
fn what_is_measured_meanwhile_changes_no_step<M: GpuBackend + Clone>(machine: &M) {
    let objective = objective();
    let batches = batches(SHAPE);
    let [mut plain, mut measured] =
        [0, 1].map(|_| Pair::new(machine.clone(), SHAPE, &objective, Operand::F32));
    for (of, other) in [(2, 0), (0, 1), (2, 0)] {
        plain.gpu.step(&batches[of], None, LR).unwrap();
        let next = &batches[if of == 2 { 0 } else { 2 }];
        measured.gpu.step(&batches[of], Some(next), LR).unwrap();
        // the second is larger than all that there was room for
        let want = plain.gpu.evaluate(&batches[other]).unwrap();
        assert_eq!(measured.gpu.evaluate(&batches[other]).unwrap(), want);
    }
    assert!(plain.gpu.params().unwrap() == measured.gpu.params().unwrap());
}

/// Batches that name rows of a table on the machine make the same steps as those that carry them.
fn rows_that_are_held_are_those_that_are_sent<M: GpuBackend + Clone>(machine: &M) {
    const SCALE: f32 = 0.5;
    let objective = objective();
    let d = SHAPE.width;
    let rows = 90;
    let mut table = batch(SHAPE, rows, 8).x;
    table[7] = 6e-8;
    table[8] = -0.0;
    for half in [false, true] {
        if half {
            // the smallest numbers of half precision among them
            for value in table.iter_mut() {
                *value = half::f16::from_f32(*value).to_f32();
            }
        }
        let mut next = table.chunks_exact(d);
        let mut fill = |x: &mut Vec<f32>| -> Result<bool, GpuError> {
            let row = next.next();
            x.extend(row.into_iter().flatten());
            Ok(row.is_some())
        };
        let held = ResidentRows::new(machine, (rows, d), half, SCALE, &mut fill).unwrap();
        let mut runs =
            [0, 1].map(|_| Pair::new(machine.clone(), SHAPE, &objective, Operand::F32).gpu);
        let mut of_rows = batch(SHAPE, 30, 9);
        of_rows.held = (0..30).map(|i| i * 7 % rows as u32).collect();
        let mut whole = of_rows.clone();
        whole.held.clear();
        let row = |&i: &u32| table[i as usize * d..][..d].iter().map(|v| v * SCALE);
        whole.x = of_rows.held.iter().flat_map(row).collect::<Vec<_>>().into();
        of_rows.x.clear();
        runs[0].hold(held.into());
        for _ in 0..2 {
            runs[0].step(&of_rows, Some(&of_rows), LR).unwrap();
            runs[1].step(&whole, Some(&whole), LR).unwrap();
        }
        let [of_rows, whole] = runs.map(|run| run.params().unwrap());
        assert!(of_rows == whole, "half precision: {half}");
    }
}

fn what_only_the_cpu_can_is_refused<M: GpuBackend + Clone>(machine: &M) {
    for (word, objective) in [
        (
            "variant",
            Objective {
                variant: Variant::Gated(Gated::new()),
                ..objective()
            },
        ),
        (
            "batchnorm",
            Objective {
                axiom_norm: AxiomNorm::Batchnorm,
                ..objective()
            },
        ),
        (
            "aux_k",
            Objective {
                aux_k: Some(4),
                ..objective()
            },
        ),
        (
            "prefixes",
            Objective {
                prefixes: vec![20],
                ..objective()
            },
        ),
    ] {
        let params = params(SHAPE, &objective);
        let weights = vec![1.0; SHAPE.defined];
        let none = Axioms::default();
        let operand = Operand::default();
        let error = GpuEngine::new(
            machine.clone(),
            &params,
            objective,
            &weights,
            &none,
            0,
            operand,
        )
        .unwrap_err();
        assert!(matches!(&error, GpuError::CpuOnly(what) if what.contains(word)));
        assert!(error.to_string().contains("trains on the CPU alone"));
    }
}
