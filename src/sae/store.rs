//! The model folder: `model.safetensors`, `config.yaml` and `concepts.json`.

use std::{
    borrow::Cow,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    config::{Objective, Shape},
    error::SaeError,
    params::Params,
    settings::Training,
};
use crate::{
    annot::concept::{CONCEPTS_FORMAT, ConceptsFile},
    table::{PlmIdentity, SaeIdentity, TableError},
};

/// Format name and version of `config.yaml`.
pub const MODEL_FORMAT: &str = "model/1";
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
/// Name of the tensor of each latent's largest activation.
pub const LATENT_MAX: &str = "latent_max";

/// The content of `config.yaml`: everything that determines the model's numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// `model/1`.
    pub format: String,
    /// The activations that the model was trained on; none where their table did not say.
    pub plm: Option<PlmIdentity>,
    /// Sizes.
    pub shape: Shape,
    /// What activations are multiplied by before the model sees them.
    pub input_scale: f64,
    /// What was minimised, and how latents are chosen.
    pub objective: Objective,
    /// How it was trained.
    pub training: Training,
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
    /// SHA-256 of `model.safetensors`, in lower-case hexadecimal.
    pub sha256: String,
}

impl Sae {
    /// Reads a model folder.
    ///
    /// # Errors
    /// [`SaeError`] where a file is missing, damaged, of another version, or does not fit the
    /// others.
    pub fn load(dir: &Path) -> Result<Self, SaeError> {
        let config_path = dir.join(CONFIG_FILE);
        let config: ModelConfig = read_yaml(&config_path)?;
        if config.format != MODEL_FORMAT {
            return Err(SaeError::Format {
                path: show(&config_path),
                found: config.format,
                expected: MODEL_FORMAT,
            });
        }
        let invalid = |message: String| SaeError::Sidecar {
            path: show(&config_path),
            message,
        };
        config
            .objective
            .check(&config.shape)
            .map_err(|e| invalid(e.to_string()))?;
        if !config.input_scale.is_finite() || config.input_scale <= 0.0 {
            return Err(invalid(format!(
                "input_scale {} must be above 0",
                config.input_scale
            )));
        }
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
        let mut latent_max = vec![0.0; config.shape.latents];
        tensors.read(LATENT_MAX, &[config.shape.latents], &mut latent_max)?;
        Ok(Self {
            config,
            concepts,
            params,
            latent_max,
            sha256,
        })
    }

    /// What tables made with this model say of it.
    #[must_use]
    pub fn identity(&self) -> SaeIdentity {
        let shape = &self.config.shape;
        SaeIdentity {
            sha256: self.sha256.clone(),
            latents: shape.latents as u32,
            concepts: shape.defined as u32,
            k: self.config.objective.k as u32,
        }
    }

    /// Demands activations of the PLM, layer, site and width that this model was trained on.
    ///
    /// Returns whether that could be checked: a table (or a model) without identity is known by
    /// its width alone, which deserves a warning.
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
            _ => Ok(false),
        }
    }
}

/// Reads `concepts.json`, and checks that concept i has index i.
///
/// # Errors
/// [`SaeError`] where it is not one, or of another version.
pub fn read_concepts(path: &Path) -> Result<ConceptsFile, SaeError> {
    let text = std::fs::read(path).map_err(|e| io(path, e))?;
    let invalid = |message: String| SaeError::Sidecar {
        path: show(path),
        message,
    };
    let file: ConceptsFile = serde_json::from_slice(&text).map_err(|e| invalid(e.to_string()))?;
    if file.format != CONCEPTS_FORMAT {
        return Err(SaeError::Format {
            path: show(path),
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

/// Reads a YAML sidecar.
pub(crate) fn read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T, SaeError> {
    let file = File::open(path).map_err(|e| io(path, e))?;
    serde_yaml::from_reader(std::io::BufReader::new(file)).map_err(|e| SaeError::Sidecar {
        path: show(path),
        message: e.to_string(),
    })
}

/// Writes a file and makes sure that it is on disk.
///
/// # Errors
/// [`SaeError::Io`].
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), SaeError> {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| io(path, e))
}

pub(crate) fn io(path: &Path, source: std::io::Error) -> SaeError {
    SaeError::Io {
        path: show(path),
        source,
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// A mapped safetensors file.
pub(crate) struct Weights {
    path: PathBuf,
    map: Mmap,
}

impl Weights {
    pub(crate) fn open(path: &Path) -> Result<Self, SaeError> {
        let file = File::open(path).map_err(|e| io(path, e))?;
        #[expect(
            unsafe_code,
            reason = "model folders appear whole, by rename, and are not written to again"
        )]
        let map = unsafe { Mmap::map(&file) }.map_err(|e| io(path, e))?;
        Ok(Self {
            path: path.into(),
            map,
        })
    }

    pub(crate) fn sha256(&self) -> String {
        crate::hash::sha256(&self.map)
    }

    pub(crate) fn tensors(&self) -> Result<Tensors<'_>, SaeError> {
        let tensors = SafeTensors::deserialize(&self.map).map_err(|e| SaeError::Weights {
            path: show(&self.path),
            message: e.to_string(),
        })?;
        Ok(Tensors {
            path: &self.path,
            tensors,
        })
    }
}

/// The tensors of a mapped file.
pub(crate) struct Tensors<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
}

impl Tensors<'_> {
    /// Copies all parameters of a model of this shape.
    pub(crate) fn read_params(&self, params: &mut Params<f32>) -> Result<(), SaeError> {
        let shapes: Vec<_> = params.tensors().map(|(_, shape, _)| shape).collect();
        for ((name, values), shape) in params.tensors_mut().zip(shapes) {
            self.read(name, &shape, values)?;
        }
        Ok(())
    }

    /// Copies an f32 tensor of this shape.
    pub(crate) fn read(
        &self,
        name: &str,
        shape: &[usize],
        out: &mut [f32],
    ) -> Result<(), SaeError> {
        let view = self
            .tensors
            .tensor(name)
            .map_err(|_| SaeError::MissingTensor {
                path: show(self.path),
                name: name.into(),
            })?;
        let fits = view.dtype() == Dtype::F32 && view.shape() == shape;
        if !fits || view.data().len() != 4 * out.len() {
            return Err(SaeError::Tensor {
                path: show(self.path),
                name: name.into(),
                found: format!("{:?} {:?}", view.dtype(), view.shape()),
                expected: format!("{:?} {shape:?}", Dtype::F32),
            });
        }
        let (values, _) = view.data().as_chunks::<4>();
        for (out, &bytes) in out.iter_mut().zip(values) {
            *out = f32::from_le_bytes(bytes);
        }
        Ok(())
    }
}

/// A tensor to be written.
pub struct Slice<'a> {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values in row-major order.
    pub values: &'a [f32],
}

impl View for Slice<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // one tensor's copy at a time
        let mut bytes = Vec::with_capacity(self.data_len());
        for value in self.values {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}

/// Writes a safetensors file and makes sure that it is on disk.
///
/// # Errors
/// [`SaeError::Io`].
pub fn write_tensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, Slice<'a>)>,
) -> Result<(), SaeError> {
    safetensors::serialize_to_file(tensors, None, path).map_err(|e| match e {
        safetensors::SafeTensorError::IoError(e) => io(path, e),
        other => SaeError::Weights {
            path: show(path),
            message: other.to_string(),
        },
    })?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| io(path, e))
}

/// Writes weights with each latent's largest activation, as a model folder holds them.
///
/// # Errors
/// [`SaeError::Io`].
pub fn write_weights(
    path: &Path,
    params: &Params<f32>,
    latent_max: &[f32],
) -> Result<(), SaeError> {
    let max = Slice {
        shape: vec![latent_max.len()],
        values: latent_max,
    };
    let tensors = params
        .tensors()
        .map(|(name, shape, values)| (name.to_owned(), Slice { shape, values }))
        .chain([(LATENT_MAX.to_owned(), max)]);
    write_tensors(path, tensors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        annot::concept::{Concept, ConceptKind, Level},
        sae::Encoder,
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
            information_content: 0.0,
        }
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
        write_weights(&dir.join(WEIGHTS_FILE), &params, &[1.0; 20]).unwrap();
        let config = ModelConfig {
            format: MODEL_FORMAT.into(),
            plm: None,
            shape,
            input_scale: 2.0,
            objective: Objective {
                k: 4,
                ..Objective::default()
            },
            training: Training::default(),
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
        assert_eq!(sae.identity().latents, 20);
        assert_eq!(sae.sha256.len(), 64);
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
