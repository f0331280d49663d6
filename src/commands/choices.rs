//! Choices of the sciences as values of options: their names are those of the files, and their help is what their types say.

use crate::{
    exchange::Activation,
    sae::{
        config::{AxiomNorm, AxiomRadius, Balance, ForcedBy, ForcedMean, PredictorCenter, Variant},
        conversion::InputTransform,
        settings::{LabelLevel, Normalize, Operand, Schedule, Unlabelled},
    },
    score::function::{
        result::{Evaluator, Normalization},
        terms::Propagation,
    },
    steer::Mode,
};
use clap::{ValueEnum, builder::PossibleValue};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

/// Lets types be values of options: each with all of its values, in the order in which help shows them.
macro_rules! choices {
    ($($type:ident: $($value:ident)+;)+) => {
        $(impl ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self::$value),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                possible_value(self)
            }
        })+

        #[cfg(test)]
        const COUNTS: &[(&str, usize, fn() -> Vec<Value>)] = &[
            $((stringify!($type), <[$type]>::len(&[$($type::$value),+]), values_of::<$type>),)+
        ];
    };
}

choices! {
    Activation: Relu Topk Batchtopk;
    AxiomNorm: None Batchnorm Unit;
    AxiomRadius: Signed Abs;
    Balance: None Sqrt Inverse;
    Evaluator: Deepgo Cafa;
    ForcedBy: Own Coherent;
    ForcedMean: All Active;
    InputTransform: None LayerNorm LayerNormBiased UnitLength Center;
    Mode: Absolute RelativeToken RelativeDataset;
    LabelLevel: Residue Protein Auto;
    Normalization: Cafa Pred Gt;
    Normalize: Scale None;
    Operand: F32 Bf16;
    PredictorCenter: Mean BDec;
    Propagation: Max Fill;
    Schedule: Step Constant Cosine;
    Unlabelled: Negative Ignore Namespace;
}

impl ValueEnum for Variant {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let name = self.name();
        let all = values_of::<Self>();
        let own = |v: &&Value| v["properties"]["name"]["const"] == name;
        Some(documented(name, all.iter().find(own)?))
    }
}

/// What a type's schema says of each of its values.
fn values_of<T: JsonSchema>() -> Vec<Value> {
    let schema = schema_for!(T);
    let all = schema.get("oneOf").and_then(Value::as_array);
    all.cloned().unwrap_or_default()
}

/// A value by its name in files, with the first paragraph of its documentation.
fn possible_value<T: Serialize + JsonSchema>(value: &T) -> Option<PossibleValue> {
    let name = serde_json::to_value(value).ok()?;
    let all = values_of::<T>();
    let own = all.iter().find(|v| v["const"] == name)?;
    Some(documented(name.as_str()?, own))
}

/// A value with what its schema says of it.
fn documented(name: &str, schema: &Value) -> PossibleValue {
    let text = schema["description"].as_str().unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    let help = first.replace('\n', " ").trim_end_matches('.').to_owned();
    PossibleValue::new(name.to_owned()).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_choice_can_be_asked_for() {
        for (name, count, values) in COUNTS {
            assert_eq!(values().len(), *count, "{name}");
        }
        for variant in Variant::ALL {
            let help = variant.to_possible_value().unwrap();
            assert!(help.get_help().is_some(), "{}", variant.name());
        }
    }
}
