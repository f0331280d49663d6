//! A trained model applied on a GPU against the same on the CPU: every variant, transform and switch.

mod limited;

use super::{SHAPE, hierarchy, params};
use crate::machines::on_machines;
use limited::Limited;
use protsae::{
    annot::concept::{CONCEPTS_FORMAT, Concept, ConceptKind, ConceptsFile, Level},
    math::random::{Purpose, below, normal, stream},
    sae::{
        ModelConfig, Sae,
        config::{ForcedBy, ForcedMean, Objective, Shape, Variant},
        conversion::{Conversion, Family, InputTransform},
        encode::{Encoded, Encoder},
        error::SaeError,
        folder::MODEL_FORMAT,
        params::Params,
        settings::Training,
    },
    train::gpu::{GpuBackend, GpuEncoder, GpuError},
};

const ROWS: usize = 37;
/// Of what stands beside it: products are summed in another order, and exp differs in its last bit.
const NEAR: f32 = 1e-5;

on_machines!(
    every_variant_is_that_of_the_cpu,
    every_input_transform_and_scale_is_that_of_the_cpu,
    ties_go_to_the_lower_latent,
    rows_do_not_depend_on_the_cut_into_calls,
    short_memory_halves_the_rows_that_are_computed_together,
    what_no_memory_suffices_for_is_memory_exhausted,
    what_only_the_cpu_encodes_is_refused,
    bad_activations_are_named,
);

fn concept(index: u32, parents: &[u32]) -> Concept {
    Concept {
        index,
        id: format!("GO:{index:07}"),
        name: String::new(),
        kind: ConceptKind::Go,
        namespace: None,
        level: Level::Protein,
        parents: parents.to_vec(),
        proteins: 1,
        residues: 0,
        partial: false,
        information_content: 0.0,
    }
}

/// Concepts with the parents that [`hierarchy`] gives them.
fn concepts(defined: usize) -> ConceptsFile {
    let hierarchy = hierarchy(defined);
    let parents = |child: u32| {
        let edges = hierarchy
            .edges()
            .iter()
            .filter(move |edge| edge[0] == child);
        edges.map(|edge| edge[1]).collect::<Vec<_>>()
    };
    ConceptsFile {
        format: CONCEPTS_FORMAT.into(),
        concepts: (0..defined as u32)
            .map(|c| concept(c, &parents(c)))
            .collect(),
        ..ConceptsFile::default()
    }
}

fn sae(params: Params<f32>, objective: Objective) -> Sae {
    let shape = params.shape;
    Sae {
        config: ModelConfig {
            format: MODEL_FORMAT.into(),
            plm: None,
            shape,
            input_scale: 0.7,
            objective,
            training: Training::default(),
            conversion: None,
        },
        concepts: concepts(shape.defined),
        latent_max: vec![1.0; shape.latents],
        latent_scale: Vec::new(),
        positive_weight: Vec::new(),
        sha256: String::new(),
        params,
    }
}

fn objective(variant: Variant) -> Objective {
    Objective {
        variant: variant.with_k(6),
        ..Objective::default()
    }
}

/// A model of random weights, with numbers of its variant's own that let some latents be active.
fn model(objective: &Objective) -> Sae {
    let shape = Shape {
        latents: if objective.variant.only_concepts() {
            SHAPE.defined
        } else {
            SHAPE.latents
        },
        defined: if objective.variant.predicts() {
            SHAPE.defined
        } else {
            0
        },
        ..SHAPE
    };
    let mut params = params(shape, objective);
    let mut rng = stream(4, Purpose::Weights, 3);
    // BatchTopK has one threshold for all latents
    let one_for_all = objective.variant.k().is_some();
    for tensor in &mut params.own {
        for value in &mut tensor.values {
            *value = match (tensor.name, one_for_all) {
                ("threshold", true) => 0.4,
                ("threshold", false) => 0.4 + 0.1 * (normal(&mut rng) as f32).abs(),
                _ => 0.3 * normal(&mut rng) as f32,
            };
        }
    }
    sae(params, objective.clone())
}

fn activations(rows: usize) -> Vec<f32> {
    let mut rng = stream(6, Purpose::Rows, 0);
    (0..rows * SHAPE.width)
        .map(|_| normal(&mut rng) as f32 + 0.2)
        .collect()
}

/// What was found of some rows, to be kept.
#[derive(Debug)]
struct Found {
    logits: Vec<f32>,
    offsets: Vec<usize>,
    latents: Vec<u32>,
    values: Vec<f32>,
    frames: Vec<[f32; 2]>,
}

impl Found {
    fn new(encoded: &Encoded<'_>) -> Self {
        let frames = encoded.z.frames.iter();
        Self {
            logits: encoded.logits.to_vec(),
            offsets: encoded.z.offsets.to_vec(),
            latents: encoded.z.latents.to_vec(),
            values: encoded.z.values.to_vec(),
            frames: frames.map(|frame| [frame.shift, frame.scale]).collect(),
        }
    }
}

fn on_cpu(sae: &Sae, x: &[f32]) -> Found {
    Found::new(&Encoder::new(sae).encode(x).unwrap())
}

fn on_gpu<M: GpuBackend>(machine: M, sae: &Sae, x: &[f32]) -> Found {
    let mut encoder = GpuEncoder::new(machine, sae).unwrap();
    Found::new(&encoder.encode(x).unwrap())
}

fn near(name: &str, what: &str, got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len(), "{name}: number of {what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let allowed = NEAR * want.abs().max(1.0);
        assert!(
            (got - want).abs() <= allowed,
            "{name}: {what} {i} is {got}, not {want}"
        );
    }
}

fn alike(name: &str, got: &Found, want: &Found) {
    assert_eq!(got.offsets, want.offsets, "{name}: number of latents");
    assert_eq!(got.latents, want.latents, "{name}: latents");
    assert_eq!(got.frames, want.frames, "{name}: frames");
    near(name, "values", &got.values, &want.values);
    near(name, "logits", &got.logits, &want.logits);
}

fn compare<M: GpuBackend + Clone>(name: &str, machine: &M, sae: &Sae, x: &[f32]) -> Found {
    let got = on_gpu(machine.clone(), sae, x);
    alike(name, &got, &on_cpu(sae, x));
    got
}

fn variant(name: &str) -> Variant {
    let mut all = Variant::ALL.into_iter();
    all.find(|variant| variant.name() == name).unwrap()
}

fn every_variant_is_that_of_the_cpu<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    for variant in Variant::ALL {
        if matches!(variant, Variant::Splice(_)) {
            continue;
        }
        let switches: &[(bool, ForcedBy, ForcedMean)] = if variant.ties_latents() {
            &[
                (true, ForcedBy::Own, ForcedMean::All),
                (true, ForcedBy::Coherent, ForcedMean::Active),
                (false, ForcedBy::Own, ForcedMean::All),
            ]
        } else {
            &[(true, ForcedBy::Own, ForcedMean::All)]
        };
        let mut active = Vec::new();
        for &(forced_activation, forced_by, forced_mean) in switches {
            let objective = Objective {
                forced_activation,
                forced_by,
                forced_mean,
                ..objective(variant)
            };
            let sae = model(&objective);
            let name = format!(
                "{}, forced {forced_activation} {forced_by:?}",
                variant.name()
            );
            let found = compare(&name, machine, &sae, &x);
            let some = !matches!(variant, Variant::LinearProbe(_));
            assert_eq!(found.latents.len() > ROWS, some, "{name}: active latents");
            active.push(found.latents.len());
        }
        if let [forced, coherent, not] = active[..] {
            assert!(coherent > forced && forced > not, "{variant:?}: {active:?}");
        }
    }
}

fn every_input_transform_and_scale_is_that_of_the_cpu<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    for input in [
        InputTransform::None,
        InputTransform::LayerNorm,
        InputTransform::LayerNormBiased,
        InputTransform::UnitLength,
        InputTransform::Center,
    ] {
        let mut sae = model(&objective(Variant::default()));
        sae.latent_scale = (0..SHAPE.latents).map(|l| 0.5 + l as f32 / 16.0).collect();
        sae.config.conversion = Some(Conversion {
            family: Family::Esmc,
            sha256: String::new(),
            input,
            latent_scale: true,
            assumed_maxima: false,
        });
        compare(&format!("{input:?}"), machine, &sae, &x);
    }
}

/// Whole numbers, whose sums are exact: pre-activations are equal by the dozen.
fn ties_go_to_the_lower_latent<M: GpuBackend + Clone>(machine: &M) {
    let objective = objective(Variant::default());
    let mut params = Params::zeros_for(SHAPE, &objective);
    let mut rng = stream(9, Purpose::Weights, 0);
    for value in &mut params.enc {
        *value = below(&mut rng, 3) as f32 - 1.0;
    }
    let x: Vec<f32> = (0..ROWS * SHAPE.width)
        .map(|_| below(&mut rng, 3) as f32 - 1.0)
        .collect();
    let mut sae = sae(params, objective);
    sae.config.input_scale = 1.0;
    let found = compare("ties", machine, &sae, &x);
    assert!(found.latents.len() > 6 * ROWS, "nothing is forced");
}

fn rows_do_not_depend_on_the_cut_into_calls<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    let sae = model(&objective(Variant::default()));
    let whole = on_gpu(machine.clone(), &sae, &x);
    let mut encoder = GpuEncoder::new(machine.clone(), &sae).unwrap();
    let mut at = 0;
    for rows in [1, 20, 0, ROWS - 21] {
        let part = &x[at * SHAPE.width..(at + rows) * SHAPE.width];
        let found = Found::new(&encoder.encode(part).unwrap());
        let range = whole.offsets[at]..whole.offsets[at + rows];
        assert_eq!(found.values, whole.values[range.clone()]);
        assert_eq!(found.latents, whole.latents[range]);
        at += rows;
    }
}

fn short_memory_halves_the_rows_that_are_computed_together<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    for name in ["protsae", "relu"] {
        let sae = model(&objective(variant(name)));
        let limited = Limited::new(machine.clone(), usize::MAX);
        let mut encoder = GpuEncoder::new(limited.clone(), &sae).unwrap();
        // products of eight rows are all that fits
        limited.allow(8 * 4 * SHAPE.latents);
        let found = Found::new(&encoder.encode(&x).unwrap());
        alike(name, &found, &on_gpu(machine.clone(), &sae, &x));
        assert_eq!(limited.refused(), 10, "from 8,192 rows to 8");
    }
}

fn what_no_memory_suffices_for_is_memory_exhausted<M: GpuBackend + Clone>(machine: &M) {
    let x = activations(ROWS);
    let sae = model(&objective(Variant::default()));
    let weights = size_of_val(&sae.params.enc[..]);
    let limited = Limited::new(machine.clone(), weights - 1);
    let error = GpuEncoder::new(limited, &sae).unwrap_err();
    assert!(matches!(error, GpuError::Memory { bytes } if bytes == weights));
    let limited = Limited::new(machine.clone(), weights);
    let mut encoder = GpuEncoder::new(limited.clone(), &sae).unwrap();
    limited.allow(4 * SHAPE.latents - 1);
    let error = encoder.encode(&x).unwrap_err();
    assert!(matches!(error, SaeError::Gpu(GpuError::Memory { .. })));
    // what there is room for again is encoded again
    limited.allow(usize::MAX);
    let found = Found::new(&encoder.encode(&x).unwrap());
    alike("again", &found, &on_gpu(machine.clone(), &sae, &x));
}

fn what_only_the_cpu_encodes_is_refused<M: GpuBackend + Clone>(machine: &M) {
    let refused = |sae: &Sae, words: &str| {
        let error = GpuEncoder::new(machine.clone(), sae).unwrap_err();
        assert!(matches!(error, GpuError::CpuEncodes(_)));
        assert_eq!(
            error.to_string(),
            format!("{words} encodes on the CPU alone")
        );
    };
    refused(&model(&objective(variant("splice"))), "variant splice");
    let mut sae = model(&objective(variant("jumprelu")));
    sae.params.own[0].values[3] = -0.1;
    refused(&sae, "variant jumprelu with thresholds below 0");
}

fn bad_activations_are_named<M: GpuBackend + Clone>(machine: &M) {
    let sae = model(&objective(Variant::default()));
    let mut encoder = GpuEncoder::new(machine.clone(), &sae).unwrap();
    let mut x = activations(ROWS);
    let error = encoder.encode(&x[1..]).unwrap_err();
    assert!(matches!(error, SaeError::Width { found, .. } if found == SHAPE.width - 1));
    x[5 * SHAPE.width + 2] = f32::NAN;
    let error = encoder.encode(&x).unwrap_err();
    assert!(matches!(
        error,
        SaeError::NotFinite {
            row: 5,
            column: 2,
            ..
        }
    ));
}
