//! `config.yaml` of the first format, in which options of all variants stood side by side.

use serde_yaml::{Mapping, Value};

use crate::sae::variants::Variant;

/// Name of the format.
pub(super) const FORMAT: &str = "model/1";

/// Options of variants, in the first format options of every objective.
const OF_VARIANTS: [&str; 3] = ["k", "lambda_sparsity", "bandwidth"];

/// What the first format meant by fields that it did not have.
const MEANT: [(&str, &str); 4] = [
    ("predictor_center", "b-dec"),
    ("axiom_radius", "abs"),
    ("forced_by", "own"),
    ("axiom_norm", "none"),
];

/// A configuration of the first format as one of the second, so that the model means what it meant;
/// what is not as that format had it is left for the reader of the second to complain about.
pub(super) fn upgrade(config: &mut Value) {
    let Some(objective) = config.get_mut("objective").and_then(Value::as_mapping_mut) else {
        return;
    };
    let name = match objective.get("variant") {
        Some(Value::String(name)) => name.clone(),
        None => Variant::default().name().to_owned(),
        Some(_) => return,
    };
    let mut variant = Mapping::new();
    variant.insert("name".into(), name.clone().into());
    let own = Variant::ALL.into_iter().find(|v| v.name() == name);
    let known = own.and_then(|own| serde_yaml::to_value(own).ok());
    for option in OF_VARIANTS {
        let value = objective.remove(option);
        let default = known.as_ref().and_then(|known| known.get(option));
        if let Some(default) = default {
            variant.insert(option.into(), value.unwrap_or_else(|| default.clone()));
        }
    }
    objective.insert("variant".into(), Value::Mapping(variant));
    for (field, value) in MEANT {
        if !objective.contains_key(field) {
            objective.insert(field.into(), value.into());
        }
    }
    for (field, value) in [("lambda_implication", 0.0), ("lambda_axiom", 1.0)] {
        if !objective.contains_key(field) {
            objective.insert(field.into(), value.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::config::Objective;

    fn upgraded(text: &str) -> Objective {
        let mut value: Value = serde_yaml::from_str(text).unwrap();
        upgrade(&mut value);
        serde_yaml::from_value(value["objective"].clone()).unwrap()
    }

    #[test]
    fn an_old_model_means_what_it_meant() {
        let plain = upgraded("objective: {variant: protsae, k: 7, lambda_sparsity: 1.0}");
        assert_eq!(
            plain,
            Objective {
                variant: Variant::default().with_k(7),
                ..Objective::paper()
            }
        );
        let jump = upgraded("objective: {variant: jumprelu, k: 7, bandwidth: 0.5, detach: false}");
        let mut variant = jump.variant;
        assert_eq!(variant.name(), "jumprelu");
        assert_eq!(variant.bandwidth_mut().copied(), Some(0.5));
        assert_eq!(variant.lambda_sparsity_mut().copied(), Some(1.0));
        assert!(!jump.detach);
        assert_eq!(upgraded("objective: {}"), Objective::paper());
    }
}
