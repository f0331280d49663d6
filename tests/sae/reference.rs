//! Three steps of Adam of every variant against PyTorch's autograd: the numbers of `reference.py`.

use std::collections::BTreeMap;

use protsae::{
    annot::concept::Axioms,
    math::real::Real,
    sae::{
        config::{Objective, Shape, Variant},
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
const DEAD: [usize; 4] = [1, 8, 9, 12];
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

fn objective(name: &str) -> Objective {
    let base = Objective {
        k: 3,
        lambda_sparsity: 0.3,
        bandwidth: 0.5,
        aux_weight: 0.25,
        dead_after: DEAD_AFTER,
        ..Objective::default()
    };
    let of = |variant| Objective {
        variant,
        ..base.clone()
    };
    match name {
        "protsae" => of(Variant::Protsae),
        "protsae-attached" => Objective {
            detach: false,
            ..of(Variant::Protsae)
        },
        "protsae-prefixes" => Objective {
            prefixes: vec![2, 8],
            ..of(Variant::Protsae)
        },
        "protsae-aux" => Objective {
            aux_k: Some(2),
            ..of(Variant::Protsae)
        },
        "topk" => of(Variant::Topk),
        "topk-aux" => Objective {
            aux_k: Some(2),
            ..of(Variant::Topk)
        },
        "topk-prefixes" => Objective {
            prefixes: vec![4, 9],
            ..of(Variant::Topk)
        },
        "batchtopk" => of(Variant::Batchtopk),
        "batchtopk-aux" => Objective {
            aux_k: Some(2),
            ..of(Variant::Batchtopk)
        },
        "relu" => of(Variant::Relu),
        "gated" | "gated-clipped" => of(Variant::Gated),
        "jumprelu" => of(Variant::Jumprelu),
        "linear-probe" => of(Variant::LinearProbe),
        "splice" => of(Variant::Splice),
        other => panic!("no case {other}"),
    }
}

/// Every tensor that the file has of a case or start, by our name.
fn fill<T: Real>(params: &mut Params<T>, of: impl Fn(&str) -> Vec<f64>) {
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
    set(&mut params.b_mag, of("b_mag"));
    set(&mut params.r_mag, of("r_mag"));
}

fn shape(variant: Variant) -> Shape {
    let (defined, ontology) = match variant {
        Variant::Protsae => (CONCEPTS, true),
        Variant::LinearProbe => (CONCEPTS, false),
        Variant::Splice => (LATENTS, false),
        _ => (0, false),
    };
    Shape {
        width: WIDTH,
        latents: if variant == Variant::LinearProbe {
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
    fill(&mut params, |tensor| {
        numbers[&format!("start.{tensor}")].clone()
    });
    if objective.variant == Variant::Jumprelu {
        let start = &numbers["start.threshold"];
        params.threshold = start.iter().map(|&v| T::of(v)).collect();
    }
    let axioms = if objective.variant == Variant::Protsae {
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
    if name == "gated-clipped" {
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
    for (tensor, values) in fields(engine.params()) {
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

fn fields<T>(p: &Params<T>) -> [(&'static str, &[T]); 12] {
    [
        ("enc", &p.enc),
        ("dec", &p.dec),
        ("b_pred", &p.b_pred),
        ("r_pred", &p.r_pred),
        ("b_enc", &p.b_enc),
        ("b_dec", &p.b_dec),
        ("w_zero", &p.w_zero),
        ("b_zero", &p.b_zero),
        ("relations", &p.relations),
        ("threshold", &p.threshold),
        ("b_mag", &p.b_mag),
        ("r_mag", &p.r_mag),
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
}

/// Codes over a fixed dictionary, against projected gradients run until nothing moves.
#[test]
fn splice() {
    fn error<T: Real>(numbers: &Numbers) -> f64 {
        let objective = objective("splice");
        let mut params = Params::<T>::zeros_for(shape(Variant::Splice), &objective);
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
