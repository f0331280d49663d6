//! The model folder: `model.safetensors`, `config.yaml` and `concepts.json`.

mod concepts;
mod files;
mod format1;
mod weights;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    config::{Objective, Shape},
    conversion::{Conversion, InputTransform},
    error::{SaeError, SettingError},
    params::Params,
    settings::Training,
};
use crate::{
    annot::concept::ConceptsFile,
    table::{PlmIdentity, SaeIdentity, TableError},
};
pub use concepts::{parse_concepts, read_concepts};
use files::show;
pub use files::{Slice, write_file, write_tensors};
pub(crate) use files::{Weights, io, read_yaml};
pub use weights::{LATENT_MAX, LATENT_SCALE, ModelTensors, POSITIVE_WEIGHT, write_weights};

/// Format name and version of `config.yaml`.
pub const MODEL_FORMAT: &str = "model/2";
/// Weights of a model folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// Configuration of a model folder.
pub const CONFIG_FILE: &str = "config.yaml";
/// Vocabulary of a model folder.
pub const CONCEPTS_FILE: &str = "concepts.json";
/// What a model folder says of its training.
pub const SUMMARY_FILE: &str = "summary.json";
/// Log of a model folder.
pub const LOG_FILE: &str = "log.jsonl";

/// The content of `config.yaml`: everything that determines the model's numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// `model/2`.
    pub format: String,
    /// The activations that the model was trained on; none where their table did not say.
    pub plm: Option<PlmIdentity>,
    /// Sizes.
    pub shape: Shape,
    /// What activations are multiplied by before the model sees them.
    pub input_scale: f64,
    /// What was minimised, and how latents are chosen.
    pub objective: Objective,
    /// How it was trained; absent in a converted model, of which nobody here knows.
    #[serde(default)]
    pub training: Training,
    /// Where it was converted from; absent in a model trained here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
}

impl ModelConfig {
    /// What is done to a row before it is scaled.
    #[must_use]
    pub fn input_transform(&self) -> InputTransform {
        self.conversion
            .as_ref()
            .map_or_else(Default::default, |c| c.input)
    }

    /// The content of `config.yaml`.
    ///
    /// # Errors
    /// [`SaeError::Sidecar`] where YAML cannot say it, which would be a bug.
    pub fn to_yaml(&self) -> Result<String, SaeError> {
        let yaml = || -> serde_yaml::Result<String> {
            let mut value = serde_yaml::to_value(self)?;
            if let (Some(_), Some(fields)) = (&self.conversion, value.as_mapping_mut()) {
                fields.remove("training");
            }
            serde_yaml::to_string(&value)
        };
        yaml().map_err(|e| SaeError::Sidecar {
            path: CONFIG_FILE.into(),
            message: e.to_string(),
        })
    }
}

/// A trained model.
#[derive(Clone, Debug)]
pub struct Sae {
    /// Its configuration.
    pub config: ModelConfig,
    /// Its concepts. The first `config.shape.defined` of them are latents of the same number: all
    /// of them, or none (a variant without defined latents).
    pub concepts: ConceptsFile,
    /// Its weights.
    pub params: Params<f32>,
    /// Largest activation of each latent over the training rows, `[n]`.
    pub latent_max: Vec<f32>,
    /// What activations are multiplied by once their latents are chosen, `[n]`; empty: nothing.
    pub latent_scale: Vec<f32>,
    /// Weight of each concept's positives in training, `[m]`; empty where that is not known.
    pub positive_weight: Vec<f32>,
    /// SHA-256 of `model.safetensors`, in lower-case hexadecimal.
    pub sha256: String,
}

/// Reads a configuration, of this format or the one before.
fn read_config(path: &Path) -> Result<ModelConfig, SaeError> {
    let mut value: serde_yaml::Value = read_yaml(path)?;
    let format = value.get("format").and_then(serde_yaml::Value::as_str);
    match format {
        Some(MODEL_FORMAT) | None => {}
        Some(format1::FORMAT) => {
            format1::upgrade(&mut value);
            value["format"] = MODEL_FORMAT.into();
        }
        Some(other) => {
            return Err(SaeError::Format {
                path: show(path),
                found: other.into(),
                expected: MODEL_FORMAT,
            });
        }
    }
    serde_yaml::from_value(value).map_err(|e| SaeError::Sidecar {
        path: show(path),
        message: e.to_string(),
    })
}

impl ModelConfig {
    /// Checks what it says against itself.
    fn check(&self) -> Result<(), SettingError> {
        self.objective.check(&self.shape)?;
        if let Some(conversion) = &self.conversion {
            conversion.check(&self.shape)?;
        }
        if !self.input_scale.is_finite() || self.input_scale <= 0.0 {
            return Err(SettingError::new(
                "input_scale",
                format!("{} is no number above 0", self.input_scale),
            ));
        }
        Ok(())
    }
}

impl Sae {
    /// Reads a model folder.
    ///
    /// # Errors
    /// [`SaeError`] where a file is missing, damaged, of another version, or does not fit the
    /// others.
    pub fn load(dir: &Path) -> Result<Self, SaeError> {
        let config_path = dir.join(CONFIG_FILE);
        let config = read_config(&config_path)?;
        config.check().map_err(|e| SaeError::Sidecar {
            path: show(&config_path),
            message: e.to_string(),
        })?;
        let concepts_path = dir.join(CONCEPTS_FILE);
        let concepts = read_concepts(&concepts_path)?;
        let m = config.shape.defined;
        if m != 0 && m != concepts.concepts.len() {
            return Err(SaeError::Width {
                what: format!("number of concepts in {}", show(&concepts_path)),
                found: concepts.concepts.len(),
                expected: m,
            });
        }
        let weights = Weights::open(&dir.join(WEIGHTS_FILE))?;
        let sha256 = weights.sha256();
        let tensors = weights.tensors()?;
        let mut params = Params::zeros_for(config.shape, &config.objective);
        tensors.read_params(&mut params)?;
        let shape = config.shape;
        let latent_max = tensors.read_vector(LATENT_MAX, shape.latents)?;
        let scaled = config.conversion.as_ref().is_some_and(|c| c.latent_scale);
        let latent_scale = if scaled {
            tensors.read_vector(LATENT_SCALE, shape.latents)?
        } else {
            Vec::new()
        };
        let positive_weight = if tensors.has(POSITIVE_WEIGHT) {
            tensors.read_vector(POSITIVE_WEIGHT, shape.defined)?
        } else {
            Vec::new()
        };
        Ok(Self {
            config,
            concepts,
            params,
            latent_max,
            latent_scale,
            positive_weight,
            sha256,
        })
    }

    /// Whether the largest activations of latents are known. A checkpoint of another program may lack
    /// them; they stand as 1 then, so that thresholds are activations.
    #[must_use]
    pub fn knows_maxima(&self) -> bool {
        let assumed = self.config.conversion.as_ref();
        !assumed.is_some_and(|c| c.assumed_maxima) && self.latent_max.iter().any(|&m| m > 0.0)
    }

    /// What tables made with this model say of it.
    #[must_use]
    pub fn identity(&self) -> SaeIdentity {
        let shape = &self.config.shape;
        SaeIdentity {
            sha256: self.sha256.clone(),
            latents: shape.latents as u32,
            concepts: shape.defined as u32,
            k: self.config.objective.variant.k().unwrap_or(0) as u32,
        }
    }

    /// Demands activations of the PLM, layer, site and width that this model was trained on.
    ///
    /// Returns whether that could be checked: a table (or a model) without identity is known by
    /// its width alone, or by what a checkpoint claimed of layer and site, which deserves a warning.
    ///
    /// # Errors
    /// [`TableError::Identity`], naming both.
    pub fn check_plm(
        &self,
        model_name: &str,
        plm: Option<&PlmIdentity>,
        width: usize,
        table_name: &str,
    ) -> Result<bool, TableError> {
        if width != self.config.shape.width {
            return Err(TableError::Identity {
                what: "width of the activations",
                left_name: model_name.into(),
                left: self.config.shape.width.to_string(),
                right_name: table_name.into(),
                right: width.to_string(),
            });
        }
        match (&self.config.plm, plm) {
            (Some(own), Some(other)) => {
                own.check_same(model_name, other, table_name)?;
                Ok(true)
            }
            (None, Some(other)) => {
                // what the checkpoint said that it was converted from
                let conversion = self.config.conversion.as_ref();
                if let Some(claim) = conversion.and_then(|c| c.claim) {
                    claim.check(model_name, other, table_name)?;
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        annot::concept::{CONCEPTS_FORMAT, Concept, ConceptKind, Level},
        sae::{config::Variant, encode::Encoder},
    };

    fn concept(index: u32) -> Concept {
        Concept {
            index,
            id: format!("GO:{index:07}"),
            name: String::new(),
            kind: ConceptKind::Go,
            namespace: None,
            level: Level::Protein,
            parents: Vec::new(),
            proteins: 1,
            residues: 0,
            partial: false,
            information_content: 0.0,
        }
    }

    fn write(dir: &Path, params: &Params<f32>, latent_scale: &[f32]) {
        let tensors = ModelTensors {
            params,
            latent_max: &[1.0; 20],
            latent_scale,
            positive_weight: &[2.0; 3],
        };
        write_weights(&dir.join(WEIGHTS_FILE), &tensors).unwrap();
    }

    fn write_model(dir: &Path) -> Params<f32> {
        let shape = Shape {
            width: 8,
            latents: 20,
            defined: 3,
            zero_classes: 2,
            relations: 1,
        };
        let params = Params::initial(shape, &Objective::default(), 1, -3.0, &[0.5; 8]);
        write(dir, &params, &[]);
        let config = ModelConfig {
            format: MODEL_FORMAT.into(),
            plm: None,
            shape,
            input_scale: 2.0,
            objective: Objective {
                variant: Variant::default().with_k(4),
                ..Objective::default()
            },
            training: Training::default(),
            conversion: None,
        };
        let yaml = serde_yaml::to_string(&config).unwrap();
        write_file(&dir.join(CONFIG_FILE), yaml.as_bytes()).unwrap();
        let concepts = ConceptsFile {
            format: CONCEPTS_FORMAT.into(),
            concepts: (0..3).map(concept).collect(),
            zero_classes: vec!["a".into(), "b".into()],
            relations: vec!["r".into()],
            ..ConceptsFile::default()
        };
        let json = serde_json::to_vec(&concepts).unwrap();
        write_file(&dir.join(CONCEPTS_FILE), &json).unwrap();
        params
    }

    #[test]
    fn a_model_folder_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let params = write_model(dir.path());
        let sae = Sae::load(dir.path()).unwrap();
        assert_eq!(sae.params, params);
        assert_eq!(sae.positive_weight, [2.0; 3]);
        assert_eq!(sae.identity().latents, 20);
        assert_eq!(sae.sha256.len(), 64);
    }

    #[test]
    fn a_converted_model_says_so_and_scales_its_latents() {
        let dir = tempfile::tempdir().unwrap();
        let params = write_model(dir.path());
        let mut sae = Sae::load(dir.path()).unwrap();
        sae.config.conversion = Some(Conversion {
            family: crate::sae::conversion::Family::Esmc,
            sha256: "00".into(),
            input: InputTransform::LayerNorm,
            latent_scale: true,
            assumed_maxima: false,
            claim: None,
            statistics: Some(true),
            reached: None,
        });
        let yaml = sae.config.to_yaml().unwrap();
        assert!(!yaml.contains("training"));
        write_file(&dir.path().join(CONFIG_FILE), yaml.as_bytes()).unwrap();
        let error = Sae::load(dir.path()).unwrap_err();
        assert!(matches!(error, SaeError::MissingTensor { ref name, .. } if name == LATENT_SCALE));
        write(dir.path(), &params, &[0.5; 20]);
        let scaled = Sae::load(dir.path()).unwrap();
        assert_eq!(scaled.config.conversion, sae.config.conversion);
        sae.latent_scale = Vec::new();
        let x: Vec<f32> = (0..8u8).map(|i| f32::from(i * 37 % 11)).collect();
        let mut encoder = Encoder::new(&sae);
        let plain = encoder.encode(&x).unwrap().z.values.to_vec();
        let mut encoder = Encoder::new(&scaled);
        let encoded = encoder.encode(&x).unwrap();
        let doubled: Vec<f32> = encoded.z.values.iter().map(|v| v * 2.0).collect();
        assert!(!plain.is_empty());
        assert_eq!(doubled, plain);
        // the frame of the row: its decoded mean is its own
        let mut out = vec![0.0; 8];
        scaled.decode(encoded.z, &mut out).unwrap();
        assert_eq!(encoded.z.frames.len(), 1);
        assert!((encoded.z.frames[0].shift - x.iter().sum::<f32>() / 8.0).abs() < 1e-5);
    }

    #[test]
    fn a_tensor_of_another_shape_is_named() {
        let dir = tempfile::tempdir().unwrap();
        write_model(dir.path());
        let path = dir.path().join(CONFIG_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("latents: 20", "latents: 21")).unwrap();
        let error = Sae::load(dir.path()).unwrap_err();
        assert!(matches!(error, SaeError::Tensor { ref name, .. } if name == "w_unk"));
    }

    #[test]
    fn encoding_is_independent_of_the_cut_into_calls() {
        let dir = tempfile::tempdir().unwrap();
        write_model(dir.path());
        let sae = Sae::load(dir.path()).unwrap();
        let x: Vec<f32> = (0..8 * 50u16)
            .map(|i| f32::from(i * 37 % 101) / 50.0 - 1.0)
            .collect();
        let mut encoder = Encoder::new(&sae);
        let whole = encoder.encode(&x).unwrap();
        assert_eq!(whole.z.offsets.len(), 51);
        let (latents, values) = whole.z.row(7);
        let (latents, values) = (latents.to_vec(), values.to_vec());
        assert!(!latents.is_empty() && latents.is_sorted());
        let mut all = vec![0.0; 50 * 8];
        sae.decode(whole.z, &mut all).unwrap();
        let one = encoder.encode(&x[7 * 8..8 * 8]).unwrap();
        assert_eq!(one.z.row(0).0, latents);
        for (a, b) in one.z.row(0).1.iter().zip(values) {
            assert!((a - b).abs() < 1e-5);
        }
        let mut row = vec![0.0; 8];
        sae.decode(one.z, &mut row).unwrap();
        for (a, b) in row.iter().zip(&all[7 * 8..]) {
            assert!((a - b).abs() < 1e-5);
        }
    }
}
