//! Three steps of Adam of every variant against PyTorch's autograd: the numbers of `reference.py`.

use std::collections::BTreeMap;

use protsae::{
    annot::concept::Axioms,
    math::real::Real,
    sae::{
        config::{ForcedBy, Objective, Shape, Variant},
        hierarchy::Hierarchy,
        params::Params,
    },
    train::{cpu::Engine, data::batch::Batch},
};
use safetensors::SafeTensors;

use super::relative_error;

const NUMBERS: &[u8] = include_bytes!("variants.safetensors");
const ROWS: usize = 10;
const WIDTH: usize = 6;
const LATENTS: usize = 14;
const CONCEPTS: usize = 3;
const DEAD_AFTER: u32 = 20;
/// Latents that are dead at first.
const DEAD: [usize; 4] = [4, 8, 9, 12];
/// The row that no label speaks of.
const SILENT: usize = 5;

type Numbers = BTreeMap<String, Vec<f64>>;

fn numbers() -> Numbers {
    let file = SafeTensors::deserialize(NUMBERS).unwrap();
    let values = |bytes: &[u8]| -> Vec<f64> {
        let words = bytes.as_chunks::<8>().0.iter();
        words.map(|&w| f64::from_le_bytes(w)).collect()
    };
    let tensors = file.tensors().into_iter();
    tensors.map(|(n, view)| (n, values(view.data()))).collect()
}

/// Rows rolled down by `step`.
fn batch<T: Real>(numbers: &Numbers, step: usize, concepts: usize) -> Batch<T> {
    let mut batch = Batch::default();
    batch.clear();
    for row in 0..ROWS {
        let from = (row + ROWS - step) % ROWS;
        let x = &numbers["x"][from * WIDTH..][..WIDTH];
        batch.x.extend(x.iter().map(|&v| T::of(v)));
        let y = &numbers["y"][from * CONCEPTS..][..concepts];
        let carried = (0..).zip(y).filter(|(_, y)| **y > 0.5);
        batch.labels.extend(carried.map(|(concept, _)| concept));
        batch.end_row(from != SILENT);
    }
    batch
}

fn variant(name: &str) -> Variant {
    let mut all = Variant::ALL.into_iter();
    let mut variant = all.find(|v| v.name() == name).unwrap().with_k(3);
    if let Some(weight) = variant.lambda_sparsity_mut() {
        *weight = 0.3;
    }
    if let Some(width) = variant.bandwidth_mut() {
        *width = 0.5;
    }
    variant
}

/// What a case of `reference.py` minimises.
fn objective(name: &str) -> Objective {
    let paper = Objective {
        aux_weight: 0.25,
        dead_after: DEAD_AFTER,
        ..Objective::paper()
    };
    let corrected = Objective {
        lambda_axiom: 1.0,
        lambda_implication: 3.0,
        aux_weight: 0.25,
        dead_after: DEAD_AFTER,
        ..Objective::default()
    };
    let (kind, case) = name.split_once('-').unwrap_or((name, ""));
    let of = |variant: Variant, base: &Objective| Objective {
        variant,
        ..base.clone()
    };
    match (kind, case) {
        ("corrected", "probe") => of(variant("linear-probe"), &corrected),
        ("corrected", "attached") => Objective {
            detach: false,
            forced_by: ForcedBy::Coherent,
            ..of(variant("protsae"), &corrected)
        },
        ("corrected", "prefixes") => Objective {
            prefixes: vec![2, 8],
            ..of(variant("protsae"), &corrected)
        },
        ("corrected", _) => of(variant("protsae"), &corrected),
        ("protsae", "attached") => Objective {
            detach: false,
            ..of(variant("protsae"), &paper)
        },
        ("protsae", "jumprelu") => Objective {
            forced_by: ForcedBy::Coherent,
            ..of(variant(name), &corrected)
        },
        ("protsae", "batchtopk" | "gated") => of(variant(name), &corrected),
        ("linear", _) => of(variant(name), &paper),
        (kind, "prefixes") => Objective {
            prefixes: if kind == "topk" {
                vec![4, 9]
            } else {
                vec![2, 8]
            },
            ..of(variant(kind), &paper)
        },
        (kind, "aux") => Objective {
            aux_k: Some(2),
            ..of(variant(kind), &paper)
        },
        (kind, _) => of(variant(kind), &paper),
    }
}

/// Every tensor that the file has of a case or start, by our name.
fn fill<T: Real>(params: &mut Params<T>, jumps: bool, of: impl Fn(&str) -> Vec<f64>) {
    let set = |to: &mut [T], from: Vec<f64>| {
        for (to, from) in to.iter_mut().zip(from) {
            *to = T::of(from);
        }
    };
    set(&mut params.enc, of("enc"));
    set(&mut params.dec, of("dec"));
    set(&mut params.b_pred, of("b_pred"));
    set(&mut params.r_pred, of("r_pred"));
    set(&mut params.b_enc, of("b_enc"));
    set(&mut params.b_dec, of("b_dec"));
    set(&mut params.w_zero, of("w_zero"));
    set(&mut params.b_zero, of("b_zero"));
    set(&mut params.relations, of("relations"));
    if !params.b_center.is_empty() {
        set(&mut params.b_center, of("b_pred"));
    }
    for tensor in &mut params.own {
        if tensor.name != "threshold" || jumps {
            set(&mut tensor.values, of(tensor.name));
        }
    }
}

fn shape(variant: Variant) -> Shape {
    let ontology = variant.ties_latents();
    let splice = variant.name() == "splice";
    let defined = match variant.predicts() {
        true if splice => LATENTS,
        true => CONCEPTS,
        false => 0,
    };
    Shape {
        width: WIDTH,
        latents: if variant.only_concepts() && !splice {
            CONCEPTS
        } else {
            LATENTS
        },
        defined,
        zero_classes: if ontology { 2 } else { 0 },
        relations: usize::from(ontology),
    }
}

/// `tolerance` is norm-wise per tensor.
fn check<T: Real>(name: &str, tolerance: f64) {
    let numbers = numbers();
    let objective = objective(name);
    let shape = shape(objective.variant);
    let mut params = Params::<T>::zeros_for(shape, &objective);
    let jumps = objective.variant.name().ends_with("jumprelu");
    fill(&mut params, jumps, |tensor| {
        numbers[&format!("start.{tensor}")].clone()
    });
    let center: Vec<T> = numbers["center"].iter().map(|&v| T::of(v)).collect();
    params.set_center(&center);
    let axioms = if objective.variant.ties_latents() {
        Axioms {
            nf1: vec![[0, 1], [2, 3]],
            nf2: vec![[0, 2, 4]],
            nf3: vec![[0, 1, 2]],
            nf4: vec![[1, 0, 4], [0, 0, 2]],
            disjoint: vec![[0, 2], [1, 3]],
        }
    } else {
        Axioms::default()
    };
    let weights = [1.0, 2.0, 3.5].map(T::of)[..shape.defined.min(CONCEPTS)].to_vec();
    let mut engine = Engine::new(params.clone(), objective.clone(), weights, &axioms, 0);
    engine.set_hierarchy(Hierarchy::of_parents(&[&[1, 2], &[2], &[]]));
    if name.ends_with("-clipped") {
        engine.clip(Some(0.5));
    }
    if objective.aux_k.is_some() {
        let mut state = engine.settled().1.clone();
        for latent in DEAD {
            state.idle[latent] = DEAD_AFTER;
        }
        engine.restore(params, state);
    }
    for (step, want) in numbers[&format!("{name}.losses")].iter().enumerate() {
        let batch = batch(&numbers, step, shape.defined);
        let got = engine.step(&batch, 1e-2, true).total;
        assert!(
            (got - want).abs() < tolerance * want.abs(),
            "{name}, loss of step {step}: {got} {want}"
        );
    }
    let mut compared = 0;
    let trained = engine.params();
    let own = trained.own.iter().map(|own| (own.name, &own.values[..]));
    for (tensor, values) in fields(trained).into_iter().chain(own) {
        let Some(want) = numbers.get(&format!("{name}.{tensor}")) else {
            continue;
        };
        if values.is_empty() {
            continue;
        }
        let got: Vec<f64> = values.iter().map(|v| v.f64()).collect();
        let error = relative_error(&got, want);
        assert!(error < tolerance, "{name} {tensor}: {error:e}");
        compared += 1;
    }
    assert!(compared >= 3, "{name}: {compared} tensors");
}

fn fields<T>(p: &Params<T>) -> [(&'static str, &[T]); 9] {
    // what is learned of a predictor that has a centre of its own
    let b_pred = if p.b_center.is_empty() {
        &p.b_pred
    } else {
        &p.b_center
    };
    [
        ("enc", &p.enc),
        ("dec", &p.dec),
        ("b_pred", b_pred),
        ("r_pred", &p.r_pred),
        ("b_enc", &p.b_enc),
        ("b_dec", &p.b_dec),
        ("w_zero", &p.w_zero),
        ("b_zero", &p.b_zero),
        ("relations", &p.relations),
    ]
}

macro_rules! cases {
    ($($test:ident: $name:literal;)*) => {
        $(
            #[test]
            fn $test() {
                check::<f64>($name, 1e-10);
                check::<f32>($name, 2e-5);
            }
        )*
    };
}

cases! {
    protsae: "protsae";
    protsae_without_detaching: "protsae-attached";
    protsae_with_prefixes: "protsae-prefixes";
    protsae_with_dead_latents: "protsae-aux";
    topk: "topk";
    topk_with_dead_latents: "topk-aux";
    topk_with_prefixes: "topk-prefixes";
    batchtopk: "batchtopk";
    batchtopk_with_dead_latents: "batchtopk-aux";
    relu: "relu";
    gated: "gated";
    gated_with_clipped_gradients: "gated-clipped";
    jumprelu: "jumprelu";
    linear_probe: "linear-probe";
    corrected: "corrected";
    corrected_without_detaching_forced_coherently: "corrected-attached";
    corrected_with_clipped_gradients: "corrected-clipped";
    corrected_with_prefixes: "corrected-prefixes";
    corrected_linear_probe: "corrected-probe";
    protsae_with_a_batch_wide_choice: "protsae-batchtopk";
    protsae_gated: "protsae-gated";
    protsae_with_thresholds: "protsae-jumprelu";
}

/// Codes over a fixed dictionary, against projected gradients run until nothing moves.
#[test]
fn splice() {
    fn error<T: Real>(numbers: &Numbers) -> f64 {
        let objective = objective("splice");
        let mut params = Params::<T>::zeros_for(shape(objective.variant), &objective);
        for (i, &v) in numbers["splice.dec"].iter().enumerate() {
            params.dec[i] = T::of(v);
        }
        params.enc = params.dec.clone();
        params.b_dec = numbers["start.b_dec"].iter().map(|&v| T::of(v)).collect();
        params.b_pred.fill(T::of(-0.3));
        let weights = vec![T::ONE; LATENTS];
        let mut engine = Engine::new(params, objective, weights, &Axioms::default(), 0);
        engine.evaluate(&batch(numbers, 0, CONCEPTS));
        let mut got = vec![0.0; ROWS * LATENTS];
        for (row, (latents, values)) in engine.last_rows().enumerate() {
            for (&latent, value) in latents.iter().zip(values) {
                got[row * LATENTS + latent as usize] = value.f64();
            }
        }
        relative_error(&got, &numbers["splice.z"])
    }
    let numbers = numbers();
    // coordinate descent ends within its own tolerance
    assert!(error::<f64>(&numbers) < 1e-5);
    assert!(error::<f32>(&numbers) < 1e-4);
}
