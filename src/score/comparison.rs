//! Models beside each other (`comparison/1`): models that differ by their seed alone are one row, with intervals.

use super::{
    headline::{HEADLINES, Headline},
    metrics::Metrics,
    stability::Stability,
};
use crate::sae::{ModelConfig, Sae, settings::Training};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Format name and version.
pub const COMPARISON_FORMAT: &str = "comparison/1";
/// Two-sided 95 % quantiles of Student's t for 1 to 10 degrees of freedom.
const T95: [f64; 10] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
];
/// The same for more: the normal distribution's, a little low below thirty.
const NORMAL95: f64 = 1.96;
/// The setting that is the variant's name.
const VARIANT: &str = "name";

/// Settings by name.
type Settings = BTreeMap<String, String>;

/// Models beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// `comparison/1`.
    pub format: String,
    /// Models that differ by their seed alone, in the order in which they were given.
    pub rows: Vec<Row>,
    /// Each model, in the order in which they were given.
    pub models: Vec<ModelMetrics>,
}

/// Models that differ by their seed alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The variant, and settings by which it differs from other rows.
    pub label: String,
    /// Names of the models.
    pub models: Vec<String>,
    /// Scores, by the key of their column; those that any model has.
    pub scores: BTreeMap<String, MeanOfModels>,
    /// How alike the models' latents are; none of a single model.
    pub stability: Option<Stability>,
}

/// A mean over models.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeanOfModels {
    /// Mean.
    pub mean: f64,
    /// Half of the width of the 95 % interval (Student's t over models); none of a single one.
    pub half_width: Option<f64>,
}

/// A model and its scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelMetrics {
    /// Name of its folder, with as many of those around it as tell it from the others.
    pub name: String,
    /// Its scores.
    pub metrics: Metrics,
}

/// A model that was scored.
pub struct ScoredModel {
    /// Its name.
    pub name: String,
    /// The model.
    pub sae: Sae,
    /// Its scores.
    pub metrics: Metrics,
}

impl MeanOfModels {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let half_width = (n > 1).then(|| {
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            let deviation = (squares / (n - 1) as f64).sqrt();
            T95.get(n - 2).unwrap_or(&NORMAL95) * deviation / (n as f64).sqrt()
        });
        Some(Self { mean, half_width })
    }
}

/// Settings by name, without seeds.
fn settings(config: &ModelConfig) -> Settings {
    let training = Training {
        seed: 0,
        order_seed: None,
        ..config.training.clone()
    };
    let mut settings = Settings::new();
    let parts = [
        serde_json::to_value(&config.objective),
        serde_json::to_value(&training),
    ];
    for part in parts.into_iter().flatten() {
        flatten(String::new(), &part, &mut settings);
    }
    settings.insert("latents".into(), config.shape.latents.to_string());
    settings
}

fn flatten(name: String, value: &Value, settings: &mut Settings) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                flatten(field.clone(), value, settings);
            }
        }
        Value::String(text) => {
            settings.insert(name, text.clone());
        }
        other => {
            settings.insert(name, other.to_string());
        }
    }
}

/// Models of the same settings.
struct Group<'a> {
    settings: Settings,
    members: Vec<&'a ScoredModel>,
}

impl Group<'_> {
    fn variant(&self) -> &'static str {
        let first = self.members.first();
        first.map_or("", |m| m.sae.config.objective.variant.name())
    }

    /// The variant, and those settings by which this one stands out among the others of its variant.
    fn label(&self, all: &[Group<'_>]) -> String {
        let of_variant: Vec<&Group> = all
            .iter()
            .filter(|g| g.variant() == self.variant())
            .collect();
        let stands_out = |(name, value): &(&String, &String)| {
            let alike = of_variant
                .iter()
                .filter(|g| g.settings.get(*name) == Some(*value));
            *name != VARIANT && 2 * alike.count() <= of_variant.len() && of_variant.len() > 1
        };
        let own = self.settings.iter().filter(stands_out);
        let own = own.map(|(name, value)| format!("{} {value}", name.replace('_', "-")));
        let parts: Vec<String> = std::iter::once(self.variant().to_owned())
            .chain(own)
            .collect();
        parts.join(", ")
    }
}

/// Puts models beside each other.
#[must_use]
pub fn compare(models: &[ScoredModel]) -> Comparison {
    let mut groups: Vec<Group> = Vec::new();
    for model in models {
        let own = settings(&model.sae.config);
        match groups.iter_mut().find(|group| group.settings == own) {
            Some(group) => group.members.push(model),
            None => groups.push(Group {
                settings: own,
                members: vec![model],
            }),
        }
    }
    let rows = groups.iter().map(|group| Row {
        label: group.label(&groups),
        models: group.members.iter().map(|m| m.name.clone()).collect(),
        scores: scores(&group.members),
        stability: Stability::new(&group.members.iter().map(|m| &m.sae).collect::<Vec<_>>()),
    });
    Comparison {
        format: COMPARISON_FORMAT.into(),
        rows: rows.collect(),
        models: (models.iter())
            .map(|model| ModelMetrics {
                name: model.name.clone(),
                metrics: model.metrics.clone(),
            })
            .collect(),
    }
}

fn scores(models: &[&ScoredModel]) -> BTreeMap<String, MeanOfModels> {
    let column = |column: &Headline| {
        let values = models.iter().filter_map(|m| (column.value)(&m.metrics));
        let mean = MeanOfModels::of(&values.collect::<Vec<f64>>())?;
        Some((column.key.to_owned(), mean))
    };
    HEADLINES.iter().filter_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_that_of_students_t() {
        let mean = MeanOfModels::of(&[1.0, 2.0, 3.0]).unwrap();
        // scipy.stats.t.interval(.95, 2, 2, scipy.stats.sem([1, 2, 3])): 2 - 2.4841, 2 + 2.4841
        assert!(
            (
                mean.mean,
                mean.half_width.map(|w| (w - 2.4843).abs() < 1e-3)
            ) == (2.0, Some(true))
        );
        assert_eq!(MeanOfModels::of(&[4.0]).unwrap().half_width, None);
        assert_eq!(MeanOfModels::of(&[]), None);
    }

    #[test]
    fn settings_have_names_without_a_path_and_no_seed() {
        let value = serde_json::json!({"variant": {"name": "topk", "k": 32}, "lambda_annot": 10.0, "balance": "sqrt"});
        let mut found = BTreeMap::new();
        flatten(String::new(), &value, &mut found);
        let all: Vec<(&str, &str)> = found
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            all,
            [
                ("balance", "sqrt"),
                ("k", "32"),
                ("lambda_annot", "10.0"),
                (VARIANT, "topk")
            ]
        );
    }
}
