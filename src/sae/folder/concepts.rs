//! The vocabulary of a model folder.

use std::path::Path;

use super::files::{io, show};
use crate::{
    annot::concept::{CONCEPTS_FORMAT, ConceptsFile},
    sae::error::SaeError,
};

/// Reads `concepts.json`, and checks that concept i has index i.
///
/// # Errors
/// [`SaeError`] where it is not one, or of another version.
pub fn read_concepts(path: &Path) -> Result<ConceptsFile, SaeError> {
    let text = std::fs::read(path).map_err(|e| io(path, e))?;
    parse_concepts(&text, &show(path))
}

/// The content of `concepts.json`, which errors call by `name`.
///
/// # Errors
/// As [`read_concepts`].
pub fn parse_concepts(text: &[u8], name: &str) -> Result<ConceptsFile, SaeError> {
    let invalid = |message: String| SaeError::Sidecar {
        path: name.into(),
        message,
    };
    let file: ConceptsFile = serde_json::from_slice(text).map_err(|e| invalid(e.to_string()))?;
    if file.format != CONCEPTS_FORMAT {
        return Err(SaeError::Format {
            path: name.into(),
            found: file.format,
            expected: CONCEPTS_FORMAT,
        });
    }
    for (i, concept) in file.concepts.iter().enumerate() {
        if concept.index as usize != i {
            return Err(invalid(format!(
                "concept `{}` has index {}, but is entry {i}",
                concept.id, concept.index
            )));
        }
    }
    let classes = file.concepts.len() + file.zero_classes.len();
    let axioms = &file.axioms;
    let class_beyond = axioms
        .nf1
        .iter()
        .chain(&axioms.disjoint)
        .flatten()
        .chain(axioms.nf2.iter().flatten())
        .chain(axioms.nf3.iter().flat_map(|a| &a[1..]))
        .chain(axioms.nf4.iter().flat_map(|a| [&a[0], &a[2]]))
        .find(|&&class| class as usize >= classes);
    if let Some(class) = class_beyond {
        return Err(invalid(format!(
            "an axiom names class {class}, but there are {classes}"
        )));
    }
    let relation_beyond = axioms
        .nf3
        .iter()
        .map(|a| a[0])
        .chain(axioms.nf4.iter().map(|a| a[1]))
        .find(|&relation| relation as usize >= file.relations.len());
    if let Some(relation) = relation_beyond {
        return Err(invalid(format!(
            "an axiom names relation {relation}, but there are {}",
            file.relations.len()
        )));
    }
    Ok(file)
}
