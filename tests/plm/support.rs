//! Models and saved numbers.

use protsae::math::matrix_unit::Split;
use protsae::plm::{
    architecture::Architecture,
    batch::Batch,
    encoder::{LoadPlan, Model},
    place::Place,
    weights::{ModelFolder, Precision},
};
use protsae::table::metadata::{Convention, Site};
use safetensors::{Dtype, SafeTensors};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The embedded PLM.
pub(crate) fn mini() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/mini_esm2")).to_owned()
}

/// Every place of a model.
pub(crate) fn places(architecture: &Architecture) -> Vec<Place> {
    Place::all(architecture).collect()
}

/// A model with all its blocks, and with its head.
pub(crate) fn load(path: &Path) -> Model {
    load_at(path, Precision::F32)
}

/// The same at another precision.
pub(crate) fn load_at(path: &Path, precision: Precision) -> Model {
    let folder = ModelFolder::open(path).expect("a model folder");
    Model::load(&folder, whole(&folder, precision)).expect("all tensors")
}

/// A model with all its blocks, and with its head, whose products split their numbers, on whatever unit the machine has.
pub(crate) fn load_split(path: &Path, split: Option<Split>) -> Model {
    let folder = ModelFolder::open(path).expect("a model folder");
    let needs = whole(&folder, Precision::F32);
    Model::load_split(&folder, needs, split).expect("all tensors")
}

fn whole(folder: &ModelFolder, precision: Precision) -> LoadPlan {
    LoadPlan {
        layers: folder.architecture.layers,
        head: true,
        precision,
    }
}

/// A batch of sequences.
pub(crate) fn batch(model: &Model, sequences: &[&str]) -> Batch {
    let mut batch = Batch::new();
    for sequence in sequences {
        batch.push(model.vocabulary(), sequence.as_bytes());
    }
    batch
}

/// Residues of every length from 1, of all letters that ESM-2 knows and some that it does not.
pub(crate) fn sequence(length: usize, salt: usize) -> String {
    const LETTERS: &[u8] = b"LAGVSERTIDPKQNFYMHWCXBUZOJ";
    let mut state = salt as u64 + 1;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(LETTERS[(state >> 33) as usize % LETTERS.len()])
        })
        .collect()
}

/// The rows of a sequence's residues at a place.
pub(crate) fn rows(
    activations: &protsae::plm::encoder::Activations,
    place: usize,
    batch: &Batch,
    sequence: usize,
) -> Vec<f32> {
    let residues = batch.residues(sequence);
    let mut rows = vec![0.0; residues.len() * activations.width()];
    activations.rows(place, residues, &mut rows);
    rows
}

/// Norm of the difference over the norm of what is wanted.
pub(crate) fn relative_error(got: &[f32], want: &[f32]) -> f64 {
    assert_eq!(got.len(), want.len());
    let square = |x: f64| x * x;
    let difference: f64 = got
        .iter()
        .zip(want)
        .map(|(&g, &w)| square(f64::from(g) - f64::from(w)))
        .sum();
    let norm: f64 = want.iter().map(|&w| square(f64::from(w))).sum();
    (difference / norm).sqrt()
}

/// Saved numbers of a model: the sequences, and tensors by name.
pub(crate) struct Reference {
    bytes: Vec<u8>,
    pub(crate) sequences: Vec<String>,
}

impl Reference {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("saved numbers");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        let text = header.metadata().as_ref().expect("metadata")["sequences"].clone();
        let sequences = serde_json::from_str(&text).expect("a list of sequences");
        Self { bytes, sequences }
    }

    /// The rows of a sequence at a place; what is not saved itself is a sum of what is.
    pub(crate) fn at(&self, sequence: usize, place: Place) -> Vec<f32> {
        let get = |site: Site, layer| self.get(&format!("s{sequence}.{site}.{layer}"));
        let layer = place.layer;
        match (place.site, place.convention) {
            (Site::Update, _) => {
                let before = get(Site::Residual, layer - 1);
                let [attention, mlp] = [Site::Attention, Site::Mlp].map(|site| get(site, layer));
                let terms = attention.iter().zip(&mlp).zip(&before);
                terms.map(|((a, m), b)| a - b + m).collect()
            }
            (_, Convention::BlockOutputs) => {
                let [attention, mlp] = [Site::Attention, Site::Mlp].map(|site| get(site, layer));
                attention.iter().zip(&mlp).map(|(a, m)| a + m).collect()
            }
            (site, Convention::HiddenStates) => get(site, layer),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.bytes).expect("saved tensors");
        let view = tensors.tensor(name).expect(name);
        assert_eq!(view.dtype(), Dtype::F32);
        let (values, _) = view.data().as_chunks::<4>();
        values.iter().map(|&b| f32::from_le_bytes(b)).collect()
    }
}
