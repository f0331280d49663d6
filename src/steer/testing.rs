//! Small models, as they are before training.

use crate::{
    annot::concept::{Concept, ConceptKind, ConceptsFile, Level},
    sae::{
        ModelConfig, Sae,
        config::{Objective, Shape, Variant},
        params::Params,
        settings::Training,
    },
};

/// A model of this shape and variant.
pub(super) fn sae(shape: Shape, variant: Variant, scale: f64) -> Sae {
    let objective = Objective {
        variant,
        ..Objective::default()
    };
    Sae {
        params: Params::initial(shape, &objective, 5, -1.0, &vec![0.25; shape.width]),
        config: ModelConfig {
            format: String::new(),
            plm: None,
            shape,
            input_scale: scale,
            objective,
            training: Training::default(),
            conversion: None,
        },
        concepts: ConceptsFile::default(),
        latent_max: vec![1.0; shape.latents],
        latent_scale: Vec::new(),
        positive_weight: Vec::new(),
        sha256: String::new(),
    }
}

/// A `ProtSAE` of so many latents, of which so many are of concepts.
pub(super) fn protsae(width: usize, latents: usize, defined: usize, k: usize) -> Sae {
    let shape = Shape {
        width,
        latents,
        defined,
        ..Shape::default()
    };
    sae(shape, Variant::default().with_k(k), 0.7)
}

/// Concepts by their ids and direct parents.
pub(super) fn concepts(ids: &[&str], parents: &[&[u32]]) -> Vec<Concept> {
    let both = (0u32..).zip(ids.iter().zip(parents));
    both.map(|(index, (id, parents))| Concept {
        index,
        id: (*id).into(),
        name: String::new(),
        kind: ConceptKind::Go,
        namespace: None,
        level: Level::Residue,
        parents: parents.to_vec(),
        proteins: 1,
        residues: 1,
        partial: false,
        information_content: 0.0,
    })
    .collect()
}
