//! Losses, gradients and three Adam steps against an independent implementation in f64.

use std::collections::BTreeMap;

use protsae::{
    annot::concept::Axioms,
    math::real::Real,
    sae::{
        config::{ForcedMean, Objective, Shape, Variant},
        params::Params,
    },
    train::{cpu::Engine, data::batch::Batch},
};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::{relative_error, saved};

#[derive(Deserialize)]
struct Meta {
    batch: usize,
    d_model: usize,
    n_concepts: usize,
    n_latents: usize,
    n_zero: usize,
    n_relations: usize,
    k: usize,
    forced_mean: ForcedMean,
    lambda_annot: f64,
    lambda_axiom: f64,
    margin: f64,
    l_rec: f64,
    l_annot: f64,
    l_axiom: f64,
    l_total: f64,
    n_forced: u64,
    l0: f64,
}

struct Case {
    meta: Meta,
    floats: BTreeMap<String, Vec<f64>>,
    axioms: Axioms,
}

const CASES: [&str; 4] = [
    "small_all",
    "small_active",
    "medium_active",
    "medium_all_k_large",
];

/// Their names of the parameters, and ours.
const NAMES: [(&str, &str); 10] = [
    ("w_pred", "w_pred"),
    ("b_pred", "b_pred"),
    ("r_pred", "r_pred"),
    ("w_unk", "w_unk"),
    ("b_enc", "b_enc"),
    ("w_dec", "w_dec"),
    ("b_dec", "b_dec"),
    ("w_zero", "w_zero"),
    ("b_zero", "b_zero"),
    ("rel", "relations"),
];

fn read(name: &str) -> Option<Case> {
    let path = saved(&format!("vectors/protsae/{name}.safetensors"))?;
    let json = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut floats = BTreeMap::new();
    let mut numbers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (name, view) in file.tensors() {
        let words = view.data().as_chunks::<8>().0.iter();
        match view.dtype() {
            Dtype::F64 => {
                floats.insert(name, words.map(|&w| f64::from_le_bytes(w)).collect());
            }
            Dtype::I64 => {
                let values = words.map(|&w| u32::try_from(i64::from_le_bytes(w)).unwrap());
                numbers.insert(name, values.collect());
            }
            other => panic!("{name} is {other:?}"),
        }
    }
    let pairs = |name: &str| numbers[name].as_chunks::<2>().0.to_vec();
    let triples = |name: &str| numbers[name].as_chunks::<3>().0.to_vec();
    Some(Case {
        meta: serde_json::from_str(&json).unwrap(),
        floats,
        axioms: Axioms {
            nf1: pairs("axiom.nf1"),
            nf2: triples("axiom.nf2"),
            nf3: triples("axiom.nf3"),
            nf4: triples("axiom.nf4"),
            disjoint: pairs("axiom.disjoint"),
        },
    })
}

impl Case {
    fn objective(&self) -> Objective {
        Objective {
            variant: Variant::default().with_k(self.meta.k),
            lambda_annot: self.meta.lambda_annot,
            lambda_axiom: self.meta.lambda_axiom,
            margin: self.meta.margin,
            forced_mean: self.meta.forced_mean,
            ..Objective::paper()
        }
    }

    fn params<T: Real>(&self) -> Params<T> {
        let shape = Shape {
            width: self.meta.d_model,
            latents: self.meta.n_latents,
            defined: self.meta.n_concepts,
            zero_classes: self.meta.n_zero,
            relations: self.meta.n_relations,
        };
        let mut params = Params::zeros_for(shape, &self.objective());
        for (name, values) in params.tensors_mut() {
            let (theirs, _) = NAMES.iter().find(|(_, ours)| *ours == name).unwrap();
            let saved = &self.floats[&format!("param.{theirs}")];
            for (value, &saved) in values.iter_mut().zip(saved) {
                *value = T::of(saved);
            }
        }
        params
    }

    /// The rows, rolled down by so many.
    fn batch<T: Real>(&self, roll: usize) -> Batch<T> {
        let (rows, d, m) = (self.meta.batch, self.meta.d_model, self.meta.n_concepts);
        let mut batch = Batch::default();
        batch.clear();
        for row in 0..rows {
            let from = (row + rows - roll) % rows;
            let x = &self.floats["x"][from * d..][..d];
            batch.x.extend(x.iter().map(|&v| T::of(v)));
            let y = &self.floats["y"][from * m..][..m];
            batch
                .labels
                .extend((0..m as u32).filter(|&c| y[c as usize] > 0.5));
            batch.end_row(true);
        }
        batch
    }

    fn engine<T: Real>(&self) -> Engine<T> {
        let weights = vec![T::ONE; self.meta.n_concepts];
        Engine::new(self.params(), self.objective(), weights, &self.axioms, 0)
    }
}

/// Norm-wise per tensor.
fn check_params<T: Real>(case: &Case, prefix: &str, params: &Params<T>, tolerance: f64) {
    for (name, _, values) in params.tensors() {
        let (theirs, _) = NAMES.iter().find(|(_, ours)| *ours == name).unwrap();
        let got: Vec<f64> = values.iter().map(|v| v.f64()).collect();
        let error = relative_error(&got, &case.floats[&format!("{prefix}.{theirs}")]);
        assert!(error < tolerance, "{prefix} {name}: {error:e}");
    }
}

fn check<T: Real>(tolerance: f64) {
    for name in CASES {
        let Some(case) = read(name) else { return };
        let mut engine = case.engine::<T>();
        let (losses, gradients) = engine.gradients(&case.batch(0));
        let meta = &case.meta;
        for (what, got, want) in [
            ("rec", losses.rec, meta.l_rec),
            ("annot", losses.annot, meta.l_annot),
            ("axiom", losses.axiom, meta.l_axiom),
            ("total", losses.total, meta.l_total),
        ] {
            assert!(
                (got - want).abs() < tolerance * want.abs(),
                "{name} {what}: {got} {want}"
            );
        }
        assert_eq!(losses.sums.forced, meta.n_forced, "{name}");
        let l0 = losses.sums.active as f64 / meta.batch as f64;
        assert!((l0 - meta.l0).abs() < 1e-9, "{name}: {l0}");
        check_params(&case, "grad", &gradients, tolerance);
        for step in 0..3 {
            engine.step(&case.batch(step), 5e-4, true);
        }
        check_params(&case, "after3", engine.params(), tolerance);
    }
}

#[test]
fn f64_equals_the_reference() {
    check::<f64>(1e-9);
}

#[test]
fn f32_equals_the_reference() {
    check::<f32>(1e-5);
}
