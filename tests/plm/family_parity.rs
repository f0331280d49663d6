//! Every site, layer and logit of small random models of each family.

use crate::support::{Reference, places, relative_error, rows};
use candle_core::Device;
use protsae::{
    math::matrix_unit::Split,
    plm::{
        batch::Batch,
        encoder::{Activations, CandleModel, LoadPlan, Logits, Model},
        engine::{Computed, Transfer},
        place::Place,
        weights::{ModelFolder, Precision},
    },
};
use safetensors::SafeTensors;
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Largest relative error of a tensor in single precision.
const SINGLE: f64 = 1e-5;
/// Largest relative error of a tensor whose products are of numbers of 8 bits of precision: of these models, whose weights
/// are larger than those of trained ones and whose scores T5 does not scale.
const BRAIN: f64 = 4e-2;

/// Folders of models, and the numbers that they must give.
const MODELS: [(&str, &str); 13] = [
    ("esmc", "esmc"),
    ("esmc_bare", "esmc_bare"),
    ("esmc_native", "esmc"),
    ("esmc_pth", "esmc"),
    ("prott5", "prott5"),
    ("prostt5", "prostt5"),
    ("ankh", "ankh"),
    ("ankh2", "ankh2"),
    ("esm1b", "esm1b"),
    ("esm1v", "esm1v"),
    ("saprot", "saprot"),
    ("amplify", "amplify"),
    // ESM-2 goes the same ways
    ("../esm2_parity/3x60", "../esm2_parity/3x60"),
];

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/plm_parity")).join(name)
}

/// A list beside the saved numbers of a model.
pub(crate) fn list<T: DeserializeOwned>(numbers: &str, key: &str) -> Option<Vec<T>> {
    let bytes = fs::read(data(&format!("{numbers}.safetensors"))).expect("saved numbers");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let text = header.metadata().as_ref().expect("metadata").get(key)?;
    Some(serde_json::from_str(text).expect("a list"))
}

/// A model with its sequences, and what is wanted of them.
struct Case {
    name: &'static str,
    folder: ModelFolder,
    reference: Reference,
    /// A letter a residue, where the family knows structures.
    structures: Option<Vec<String>>,
    /// Ids of each sequence's tokens, where they are saved.
    tokens: Option<Vec<Vec<u32>>>,
    /// Whether there are logits.
    head: bool,
}

fn cases() -> impl Iterator<Item = Case> {
    MODELS.into_iter().map(|(name, numbers)| {
        let reference = Reference::read(&data(&format!("{numbers}.safetensors")));
        Case {
            name,
            folder: ModelFolder::open(&data(name)).expect("a model folder"),
            structures: list(numbers, "structures"),
            tokens: list(numbers, "tokens"),
            // the encoder alone of a family that has a head, or a family without
            head: !["esmc_bare", "prott5", "prostt5", "ankh", "ankh2"].contains(&name),
            reference,
        }
    })
}

impl Case {
    fn plan(&self, precision: Precision) -> LoadPlan {
        LoadPlan {
            layers: self.folder.architecture.layers,
            head: self.head,
            precision,
        }
    }

    fn push(&self, batch: &mut Batch, sequence: usize) {
        let residues = self.reference.sequences[sequence].as_bytes();
        let structure = self.structures.as_ref().map(|all| all[sequence].as_bytes());
        batch.push_structured(&self.folder.vocabulary, residues, structure);
    }

    /// All sequences.
    fn batch(&self) -> Batch {
        let mut batch = Batch::new();
        for sequence in 0..self.reference.sequences.len() {
            self.push(&mut batch, sequence);
        }
        batch
    }

    /// Holds activations and logits against what is wanted.
    fn compare(&self, batch: &Batch, got: &Activations, logits: Option<&Logits>, tolerance: f64) {
        let name = self.name;
        for (s, text) in self.reference.sequences.iter().enumerate() {
            let chosen = BTreeSet::from([0, text.len() / 2, text.len() - 1]);
            let length = text.len();
            for (p, place) in places(&self.folder.architecture).iter().enumerate() {
                let all = rows(got, p, batch, s);
                let width = got.width();
                let found: Vec<f32> = chosen
                    .iter()
                    .flat_map(|&r| &all[r * width..][..width])
                    .copied()
                    .collect();
                let error = relative_error(&found, &self.reference.at(s, *place));
                assert!(
                    error < tolerance,
                    "{name}, {length} residues, {place}: {error:e}"
                );
            }
            let Some(logits) = logits else { continue };
            let first = batch.residues(s).start;
            let found: Vec<f32> = chosen
                .iter()
                .flat_map(|&r| logits.row(first + r))
                .copied()
                .collect();
            let error = relative_error(&found, &self.reference.get(&format!("s{s}.logits")));
            assert!(
                error < tolerance,
                "{name}, {length} residues, logits: {error:e}"
            );
        }
    }
}

fn on_cpu(precision: Precision, split: Option<Split>, tolerance: f64) {
    for case in cases() {
        let model =
            Model::load_split(&case.folder, case.plan(precision), split).expect("all tensors");
        let (batch, places) = (case.batch(), places(&case.folder.architecture));
        if case.head {
            let (logits, got) = model.logits_and_activations(&batch, &places, None);
            case.compare(&batch, &got, Some(&logits), tolerance);
        } else {
            case.compare(
                &batch,
                &model.forward(&batch, &places, None),
                None,
                tolerance,
            );
        }
    }
}

#[test]
fn tokens_are_those_of_the_reference() {
    for case in cases() {
        let Some(want) = &case.tokens else {
            continue;
        };
        let batch = case.batch();
        for (s, want) in want.iter().enumerate() {
            assert_eq!(&batch.tokens()[batch.range(s)], want, "{} s{s}", case.name);
        }
    }
}

#[test]
fn every_place_of_all_sequences_in_one_batch() {
    on_cpu(Precision::F32, None, SINGLE);
}

#[test]
fn products_of_split_numbers_are_as_exact() {
    on_cpu(Precision::F32, Some(Split::Bf16x6), SINGLE);
    on_cpu(Precision::Bf16, Some(Split::Bf16), BRAIN);
    on_cpu(Precision::F16, None, BRAIN);
}

#[test]
fn what_shares_a_batch_changes_no_bit() {
    for case in cases() {
        let model = Model::load(&case.folder, case.plan(Precision::F32)).expect("all tensors");
        let places = places(&case.folder.architecture);
        let together = case.batch();
        let all = model.forward(&together, &places, None);
        for s in 0..case.reference.sequences.len() {
            let mut alone = Batch::new();
            case.push(&mut alone, s);
            let own = model.forward(&alone, &places, None);
            for (p, place) in places.iter().enumerate() {
                let (left, right) = (rows(&all, p, &together, s), rows(&own, p, &alone, 0));
                let same = left
                    .iter()
                    .zip(&right)
                    .all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{} s{s} {place}", case.name);
            }
        }
    }
}

#[test]
fn an_edit_that_changes_nothing_changes_no_logit() {
    use protsae::plm::place::Replacement;
    for case in cases().filter(|case| case.head) {
        let model = Model::load(&case.folder, case.plan(Precision::F32)).expect("all tensors");
        let batch = case.batch();
        let plain = model.logits(&batch, None);
        for place in places(&case.folder.architecture) {
            let nothing = |_: &[usize], _: &mut [f32]| ();
            let edit = Replacement {
                place,
                edit: &nothing,
            };
            let edited = model.logits(&batch, Some(edit));
            let same = (0..batch.tokens().len()).all(|t| plain.row(t) == edited.row(t));
            assert!(same, "{} {place}", case.name);
            // and one that does, does
            let zero = |_: &[usize], rows: &mut [f32]| rows.fill(0.0);
            let edit = Replacement { place, edit: &zero };
            let edited = model.logits(&batch, Some(edit));
            assert!((0..batch.tokens().len()).any(|t| plain.row(t) != edited.row(t)));
        }
    }
}

/// The path of other devices, run on the CPU.
#[test]
fn tensor_operations_agree() {
    for (precision, tolerance) in [(Precision::F32, SINGLE), (Precision::Bf16, 5e-2)] {
        for case in cases() {
            let plan = case.plan(precision);
            let model = CandleModel::load(&case.folder, plan, &Device::Cpu).expect("all tensors");
            let batch = case.batch();
            let places: Vec<Place> = places(&case.folder.architecture);
            let part = model
                .forward(&batch, &places, None)
                .expect("no device fails");
            let transfer = Transfer::new(model.device()).expect("no device fails");
            let there = Computed::There {
                width: model.width(),
                parts: vec![part],
                moment: transfer.now(model.device()).expect("no device fails"),
                transfer,
            };
            let got = there.fetch().expect("no device fails");
            let logits = case
                .head
                .then(|| model.logits(&batch, None).expect("no device fails"));
            case.compare(&batch, &got, logits.as_ref(), tolerance);
        }
    }
}

#[test]
fn half_precision_is_refused_where_activations_go_beyond_it() {
    let folder = ModelFolder::open(&data("prott5")).expect("a model folder");
    let plan = |precision| LoadPlan {
        layers: 1,
        head: false,
        precision,
    };
    let half = CandleModel::load(&folder, plan(Precision::F16), &Device::Cpu);
    let message = half.err().expect("of a T5 encoder").to_string();
    assert!(message.contains("--compute bf16"), "{message}");
    assert!(CandleModel::load(&folder, plan(Precision::Bf16), &Device::Cpu).is_ok());
}
