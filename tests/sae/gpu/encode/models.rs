//! Models of random weights, and rows for them.

use crate::gpu::{SHAPE, hierarchy, params};
use protsae::{
    annot::concept::{CONCEPTS_FORMAT, Concept, ConceptKind, ConceptsFile, Level},
    math::random::{Purpose, normal, stream},
    sae::{
        ModelConfig, Sae,
        config::{Objective, Shape, Variant},
        folder::MODEL_FORMAT,
        params::Params,
        settings::Training,
    },
};

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

pub(super) fn sae(params: Params<f32>, objective: Objective) -> Sae {
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

pub(super) fn objective(variant: Variant) -> Objective {
    Objective {
        variant: variant.with_k(6),
        ..Objective::default()
    }
}

/// A model of random weights, with numbers of its variant's own that let some latents be active.
pub(super) fn model(objective: &Objective) -> Sae {
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

pub(super) fn activations(rows: usize) -> Vec<f32> {
    let mut rng = stream(6, Purpose::Rows, 0);
    (0..rows * SHAPE.width)
        .map(|_| normal(&mut rng) as f32 + 0.2)
        .collect()
}

pub(super) fn variant(name: &str) -> Variant {
    let mut all = Variant::ALL.into_iter();
    all.find(|variant| variant.name() == name).unwrap()
}
