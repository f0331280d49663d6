//! What is to be trained, from the options and the inputs.

use super::{Args, args::MethodArgs, inputs::Inputs};
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
        let defined = if a.variant.predicts() { m } else { 0 };
        let latents = match (a.latents, init) {
            // the concepts' rows and no more
            _ if a.variant.only_concepts() => defined,
            (Some(latents), _) => latents,
            (None, Some(sae)) => sae.config.shape.latents,
            (None, None) => DEFAULT_LATENTS.max(2 * defined),
        };
        let ontology = defined > 0 && a.variant.learns_predictor();
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
        let objective = a.objective(init)?;
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

impl MethodArgs {
    /// What is minimised. Where an option is not given, a model to begin with goes on as it was made.
    fn objective(&self, init: Option<&Sae>) -> Result<Objective> {
        let defaults = Objective::default();
        let begun = init.map_or(&defaults, |sae| &sae.config.objective);
        Ok(Objective {
            variant: self.variant()?,
            lambda_annot: self.lambda_annot,
            predictor_center: self.predictor_center.unwrap_or(begun.predictor_center),
            lambda_implication: self.lambda_implication.unwrap_or(begun.lambda_implication),
            lambda_axiom: self.lambda_axiom.unwrap_or(begun.lambda_axiom),
            margin: self.margin,
            axioms_per_step: Some(self.axioms_per_step).filter(|&n| n > 0),
            axiom_norm: self.axiom_norm.unwrap_or(begun.axiom_norm),
            axiom_radius: self.axiom_radius.unwrap_or(begun.axiom_radius),
            forced_activation: self.forced_activation,
            forced_mean: self.forced_mean,
            forced_by: self.forced_by.unwrap_or(begun.forced_by),
            detach: self.detach,
            rescale: self.rescale,
            aligned: self.aligned,
            aux_k: self.aux_k,
            aux_weight: self.aux_weight,
            dead_after: self.dead_after,
            prefixes: self.prefixes.clone(),
        })
    }

    /// The variant with its options, which must be its own.
    fn variant(&self) -> Result<Variant> {
        let mut variant = self.variant;
        let name = variant.name();
        set_own("--k", name, self.k, variant.k_mut())?;
        let weight = variant.lambda_sparsity_mut();
        set_own("--lambda-sparsity", name, self.lambda_sparsity, weight)?;
        set_own("--bandwidth", name, self.bandwidth, variant.bandwidth_mut())?;
        Ok(variant)
    }
}

/// Sets an option of a variant, if it is given.
fn set_own<T>(option: &str, variant: &str, value: Option<T>, own: Option<&mut T>) -> Result<()> {
    match (value, own) {
        (None, _) => Ok(()),
        (Some(value), Some(own)) => {
            *own = value;
            Ok(())
        }
        (Some(_), None) => Err(Error::usage(format!(
            "{option} is no option of --variant {variant}"
        ))),
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
    let theirs = &sae.config.objective;
    if theirs.predictor_center != objective.predictor_center {
        let (found, expected) = (theirs.predictor_center, objective.predictor_center);
        return differs("predictor_center", &found, &expected);
    }
    if theirs.axiom_norm != objective.axiom_norm {
        return differs("axiom_norm", &theirs.axiom_norm, &objective.axiom_norm);
    }
    if theirs.axiom_radius != objective.axiom_radius {
        return differs(
            "axiom_radius",
            &theirs.axiom_radius,
            &objective.axiom_radius,
        );
    }
    if theirs.variant.rule::<f32>().tensors() != objective.variant.rule::<f32>().tensors() {
        let (found, expected) = (theirs.variant.name(), objective.variant.name());
        return differs("variant", &found, &expected);
    }
    let mut pairs = sae.concepts.concepts.iter().zip(&concepts.concepts);
    if let Some((theirs, ours)) = pairs.find(|(a, b)| shape.defined > 0 && a.id != b.id) {
        let what = format!("concept {}", theirs.index);
        return differs(&what, &theirs.id, &ours.id);
    }
    Ok(())
}
