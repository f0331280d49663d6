//! The axiom loss against saved numbers: hinges summed by form, and their gradients.

use protsae::{
    annot::concept::Axioms,
    sae::{
        config::{AxiomNorm, AxiomRadius, Objective, Shape},
        params::Params,
    },
    train::loss::axioms::AxiomLoss,
};
use serde_json::Value;

use super::{relative_error, saved};

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn tuples<const N: usize>(value: &Value) -> Vec<[u32; N]> {
    let rows = value.as_array().unwrap().iter();
    let flat: Vec<u32> = rows
        .flat_map(|row| row.as_array().unwrap())
        .map(|v| u32::try_from(v.as_u64().unwrap()).unwrap())
        .collect();
    flat.as_chunks::<N>().0.to_vec()
}

/// The gradients are central differences of f64 losses: norm-wise 1e-6.
const TOLERANCE: f64 = 1e-6;

#[test]
fn cases_with_the_class_radius() {
    let Some(path) = saved("vectors/axioms/axiom_losses.json") else {
        return;
    };
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut seen = 0;
    for case in file["cases"].as_array().unwrap() {
        if case["nf4_radius"] != "class" {
            continue;
        }
        seen += 1;
        let name = case["name"].as_str().unwrap();
        let inputs = &case["inputs"];
        let radius = numbers(&inputs["radius"]);
        let embed = numbers(&inputs["embed"]);
        let rel = numbers(&inputs["rel"]);
        let d = embed.len() / radius.len();
        // half of the classes are concepts, the others zero classes
        let m = radius.len() / 2;
        let norm = match case["norm"].as_str().unwrap() {
            "none" => AxiomNorm::None,
            "batchnorm" => AxiomNorm::Batchnorm,
            other => panic!("{other}"),
        };
        let shape = Shape {
            width: d,
            latents: m,
            defined: m,
            zero_classes: radius.len() - m,
            relations: rel.len() / d,
        };
        let objective = Objective {
            margin: case["margin"].as_f64().unwrap(),
            axiom_norm: norm,
            ..Objective::paper()
        };
        let mut params = Params::zeros_for(shape, &objective);
        params.enc.copy_from_slice(&embed[..m * d]);
        params.w_zero.copy_from_slice(&embed[m * d..]);
        params.b_pred.copy_from_slice(&radius[..m]);
        params.b_zero.copy_from_slice(&radius[m..]);
        params.relations.copy_from_slice(&rel);
        if norm == AxiomNorm::Batchnorm {
            params.bn_gamma = numbers(&inputs["bn_gamma"]);
            params.bn_beta = numbers(&inputs["bn_beta"]);
        }
        let lists = &case["axioms"];
        let axioms = Axioms {
            nf1: tuples(&lists["nf1"]),
            nf2: tuples(&lists["nf2"]),
            nf3: tuples(&lists["nf3"]),
            nf4: tuples(&lists["nf4"]),
            disjoint: Vec::new(),
        };
        let mut loss = AxiomLoss::new(&axioms, shape, &objective).unwrap();
        let forms = loss.compute(&params, 1.0);
        for (form, got) in ["nf1", "nf2", "nf3", "nf4"].iter().zip(forms.losses) {
            let want = case["loss"][form].as_f64().unwrap();
            assert!((got - want).abs() < 1e-9, "{name} {form}: {got} {want}");
        }
        let gradients = match &case["grad"] {
            Value::Null => &case["grad_subgradient_zero_at_kinks"],
            gradients => gradients,
        };
        for (what, got) in [
            ("embed", &loss.centres),
            ("radius", &loss.radii),
            ("rel", &loss.relations),
            ("bn_gamma", &loss.bn_gamma),
        ] {
            if gradients[what].is_null() || got.is_empty() {
                continue;
            }
            let error = relative_error(got, &numbers(&gradients[what]));
            assert!(error < TOLERANCE, "{name} {what}: {error:e}");
        }
    }
    assert_eq!(seen, 5, "cases with the class radius");
}

/// Gradients of disjointness and of the unit norm, which no saved case has, against differences.
#[test]
fn disjoint_and_unit_norm_against_differences() {
    let shape = Shape {
        width: 5,
        latents: 4,
        defined: 4,
        zero_classes: 2,
        relations: 1,
    };
    let axioms = Axioms {
        nf1: vec![[0, 1], [2, 4], [5, 3]],
        nf2: vec![[0, 3, 5]],
        nf3: vec![[0, 1, 2]],
        nf4: vec![[4, 0, 3]],
        disjoint: vec![[0, 2], [1, 5], [3, 4]],
    };
    let norms = [AxiomNorm::None, AxiomNorm::Unit, AxiomNorm::Batchnorm];
    let radii = [AxiomRadius::Abs, AxiomRadius::Signed];
    for (norm, radius) in norms.into_iter().flat_map(|n| radii.map(|r| (n, r))) {
        let objective = Objective {
            axiom_norm: norm,
            axiom_radius: radius,
            ..Objective::paper()
        };
        let mut params = Params::<f64>::initial(shape, &objective, 3, 0.0, &[0.0; 5]);
        // small and large radii, so that hinges of every form are active
        params.b_pred = vec![-0.2, 3.0, -2.8, 0.1];
        params.b_zero = vec![0.3, 2.5];
        if radius == AxiomRadius::Signed {
            // one of them below the least
            params.b_pred = vec![-5.8, -3.0, -3.2, -6.4];
            params.b_zero = vec![-5.7, -3.5];
        }
        for (i, g) in params.bn_gamma.iter_mut().enumerate() {
            *g = 0.5 + 0.2 * i as f64;
        }
        let total = |params: &Params<f64>| -> f64 {
            let mut loss = AxiomLoss::new(&axioms, shape, &objective).unwrap();
            loss.compute(params, 2.0).losses.iter().sum::<f64>() * 2.0
        };
        let mut loss = AxiomLoss::new(&axioms, shape, &objective).unwrap();
        let forms = loss.compute(&params, 2.0);
        assert!(
            forms.losses[4] > 0.0,
            "disjointness must be violated to be tested"
        );
        let mut numeric = Params::zeros_for(shape, &objective);
        let names: Vec<&str> = params.tensors().map(|(name, ..)| name).collect();
        for name in names {
            let size = params.tensors().find(|t| t.0 == name).unwrap().2.len();
            for i in 0..size {
                let at = |h: f64| {
                    let mut moved = params.clone();
                    moved.tensors_mut().find(|t| t.0 == name).unwrap().1[i] += h;
                    total(&moved)
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                numeric.tensors_mut().find(|t| t.0 == name).unwrap().1[i] = slope;
            }
        }
        let join = |a: &[f64], b: &[f64]| [a, b].concat();
        for (what, got, want) in [
            (
                "centres",
                &loss.centres,
                join(&numeric.enc, &numeric.w_zero),
            ),
            ("radii", &loss.radii, join(&numeric.b_pred, &numeric.b_zero)),
            ("relations", &loss.relations, numeric.relations.clone()),
            ("gamma", &loss.bn_gamma, numeric.bn_gamma.clone()),
        ] {
            let error = relative_error(got, &want);
            assert!(error < TOLERANCE, "{norm:?} {what}: {error:e}");
        }
    }
}
