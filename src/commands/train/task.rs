//! What is to be trained, from the options and the inputs.

use super::{Args, inputs::Inputs};
use crate::{
    Error, Result,
    annot::concept::ConceptsFile,
    sae::{
        config::{Objective, Shape, Variant},
        folder::Sae,
        settings::Training,
    },
    train::driver::Task,
};
use std::path::Path;

/// Latents where `--latents` is not given, unless there are more concepts than half of them.
const DEFAULT_LATENTS: usize = 4096;

impl Args {
    /// Settings and sizes, checked against the model to begin with.
    pub(super) fn task<'a>(
        &self,
        inputs: &Inputs,
        concepts: &'a ConceptsFile,
        training: Training,
        init: Option<&'a Sae>,
    ) -> Result<Task<'a>> {
        let m = concepts.concepts.len();
        let a = &self.method;
        let defined = match a.variant {
            variant if variant.predicts() => m,
            _ => 0,
        };
        let latents = match (a.latents, init) {
            // the concepts' rows and no more
            _ if a.variant.only_concepts() => defined,
            (Some(latents), _) => latents,
            (None, Some(sae)) => sae.config.shape.latents,
            (None, None) => DEFAULT_LATENTS.max(2 * defined),
        };
        let ontology = defined > 0 && a.variant != Variant::Splice;
        let shape = Shape {
            width: inputs.width,
            latents,
            defined,
            zero_classes: if ontology {
                concepts.zero_classes.len()
            } else {
                0
            },
            relations: if ontology {
                concepts.relations.len()
            } else {
                0
            },
        };
        let objective = Objective {
            variant: a.variant,
            k: a.k,
            lambda_annot: a.lambda_annot,
            lambda_axiom: a.lambda_axiom,
            margin: a.margin,
            axioms_per_step: Some(a.axioms_per_step).filter(|&n| n > 0),
            axiom_norm: a.axiom_norm,
            forced_activation: a.forced_activation,
            forced_mean: a.forced_mean,
            detach: a.detach,
            rescale: a.rescale,
            lambda_sparsity: a.lambda_sparsity,
            bandwidth: a.bandwidth,
            aux_k: a.aux_k,
            aux_weight: a.aux_weight,
            dead_after: a.dead_after,
            prefixes: a.prefixes.clone(),
        };
        if let (Some(sae), Some(folder)) = (init, &self.training.init) {
            check_init(sae, folder, &shape, &objective, inputs, concepts)?;
        }
        Ok(Task {
            name: String::new(),
            shape,
            objective,
            training,
            plm: inputs.info.plm.clone(),
            concepts,
            init,
        })
    }
}

/// Demands a model to begin with that has the same sizes, concepts and PLM.
fn check_init(
    sae: &Sae,
    folder: &Path,
    shape: &Shape,
    objective: &Objective,
    inputs: &Inputs,
    concepts: &ConceptsFile,
) -> Result<()> {
    let name = folder.display().to_string();
    sae.check_plm(&name, inputs.info.plm.as_ref(), shape.width, &inputs.name)?;
    let differs = |what: &str, found: &dyn std::fmt::Debug, expected: &dyn std::fmt::Debug| {
        Err(Error::mismatch(format!(
            "{name} cannot be begun with: its {what} is {found:?}, this training's {expected:?}"
        )))
    };
    if sae.config.shape != *shape {
        return differs("shape", &sae.config.shape, shape);
    }
    if let Some(conversion) = &sae.config.conversion {
        return Err(Error::usage(format!(
            "{name} was converted from {}; training begins with models that were trained here",
            conversion.family.name()
        )));
    }
    let norm = sae.config.objective.axiom_norm;
    if norm != objective.axiom_norm {
        return differs("axiom_norm", &norm, &objective.axiom_norm);
    }
    let mut pairs = sae.concepts.concepts.iter().zip(&concepts.concepts);
    if let Some((theirs, ours)) = pairs.find(|(a, b)| shape.defined > 0 && a.id != b.id) {
        let what = format!("concept {}", theirs.index);
        return differs(&what, &theirs.id, &ours.id);
    }
    Ok(())
}
