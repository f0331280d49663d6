//! Model folders as people have them, and as they should not be.

use crate::support::{batch, load, mini, rows, sequence};
use protsae::{
    ErrorKind,
    error::Classify,
    hash,
    plm::{
        encoder::{LoadPlan, Model},
        error::PlmError,
        place::Place,
        weights::{ModelFolder, Precision},
    },
    table::metadata::Site,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Name, shape and bytes of tensors.
pub(crate) type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

pub(crate) fn tensors() -> Tensors {
    let bytes = fs::read(mini().join("model.safetensors")).expect("the embedded model");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    file.iter()
        .map(|(n, v)| {
            (
                n.to_owned(),
                (v.dtype(), v.shape().to_vec(), v.data().to_vec()),
            )
        })
        .collect()
}

pub(crate) fn serialize(tensors: &Tensors) -> Vec<u8> {
    let views: BTreeMap<&str, TensorView> = tensors
        .iter()
        .map(|(name, (dtype, shape, data))| {
            let view = TensorView::new(*dtype, shape.clone(), data).expect("a tensor");
            (name.as_str(), view)
        })
        .collect();
    safetensors::serialize(views, None).expect("a file")
}

/// A copy of the embedded model's folder without its weights.
fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("plm");
    fs::create_dir(&path).expect("a folder");
    for name in ["config.json", "vocab.txt"] {
        fs::copy(mini().join(name), path.join(name)).expect("a copy");
    }
    (dir, path)
}

pub(crate) fn with_weights(bytes: &[u8]) -> (TempDir, PathBuf) {
    let (dir, path) = folder();
    fs::write(path.join("model.safetensors"), bytes).expect("weights");
    (dir, path)
}

/// Residues of one protein at the last layer.
fn embed(path: &Path) -> Vec<f32> {
    embed_with(&load(path))
}

fn embed_with(model: &Model) -> Vec<f32> {
    let batch = batch(model, &[&sequence(50, 7)]);
    let place = Place::new(Site::Residual, 6, model.architecture()).expect("the last layer");
    rows(&model.forward(&batch, &[place], None), 0, &batch, 0)
}

fn refusal(path: &Path) -> PlmError {
    let folder = match ModelFolder::open(path) {
        Ok(folder) => folder,
        Err(error) => return error,
    };
    let needs = LoadPlan {
        layers: 6,
        head: true,
        precision: Precision::F32,
    };
    Model::load(&folder, needs).err().expect("a refusal")
}

#[test]
fn names_of_every_convention_give_the_same_bits() {
    let want = embed(&mini());
    let (_dir, path) = with_weights(&serialize(
        &tensors()
            .into_iter()
            .map(|(name, tensor)| {
                let mut name = name;
                if let (true, Some(stem)) =
                    (name.contains("LayerNorm"), name.strip_suffix(".weight"))
                {
                    name = format!("{stem}.gamma");
                } else if let (true, Some(stem)) =
                    (name.contains("LayerNorm"), name.strip_suffix(".bias"))
                {
                    name = format!("{stem}.beta");
                }
                (
                    name.replace(
                        "layer.0.attention.self.rotary",
                        "layer.*.attention.self.rotary",
                    ),
                    tensor,
                )
            })
            .collect(),
    ));
    assert_eq!(embed(&path), want);
    let (_dir, path) = with_weights(&serialize(
        &tensors()
            .into_iter()
            .map(|(n, t)| (n.trim_start_matches("esm.").to_owned(), t))
            .collect(),
    ));
    assert_eq!(embed(&path), want);
}

#[test]
fn rotary_frequencies_are_those_of_the_checkpoint() {
    let want = embed(&mini());
    let mut tensors = tensors();
    let is_frequency = |name: &str| name.ends_with("inv_freq");
    let rounded: Vec<u8> = tensors["esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq"]
        .2
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&b| half::f16::from_f32(f32::from_le_bytes(b)).to_f32())
        .flat_map(f32::to_le_bytes)
        .collect();
    // computed, where a checkpoint has none
    let mut without = tensors.clone();
    without.retain(|name, _| !is_frequency(name));
    let (_dir, path) = with_weights(&serialize(&without));
    assert!(crate::support::relative_error(&embed(&path), &want) < 1e-5);
    // rounded to half precision, as in released checkpoints, by either name
    for (name, tensor) in &mut tensors {
        if is_frequency(name) {
            tensor.2.clone_from(&rounded);
        }
    }
    let (_dir, path) = with_weights(&serialize(&tensors));
    let got = embed(&path);
    assert!(crate::support::relative_error(&got, &want) > 1e-5);
    let name = "esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq";
    let one = tensors.remove(name).expect("it was there");
    tensors.retain(|name, _| !is_frequency(name));
    tensors.insert("esm.rotary_embeddings.inv_freq".into(), one);
    let (_dir, path) = with_weights(&serialize(&tensors));
    assert_eq!(embed(&path), got);
}

#[test]
fn tensors_that_nothing_needs_are_ignored() {
    let mut tensors = tensors();
    tensors.insert(
        "esm.embeddings.position_ids".into(),
        (Dtype::I64, vec![1, 2], vec![0; 16]),
    );
    tensors.insert(
        "classifier.weight".into(),
        (Dtype::F32, vec![1], vec![0; 4]),
    );
    let (_dir, path) = with_weights(&serialize(&tensors));
    assert_eq!(embed(&path), embed(&mini()));
}

#[test]
fn a_file_that_does_not_align_its_numbers_gives_the_same_bits() {
    // a header of a length that is no multiple of four, as nothing forbids
    let bytes = serialize(&tensors());
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
    let mut shifted = (length as u64 + 3).to_le_bytes().to_vec();
    shifted.extend_from_slice(&bytes[8..8 + length]);
    shifted.extend_from_slice(b"   ");
    shifted.extend_from_slice(&bytes[8 + length..]);
    let (_dir, path) = with_weights(&shifted);
    assert_eq!(embed(&path), embed(&mini()));
}

#[test]
fn shards_give_the_same_bits_and_their_own_identity() {
    let (_dir, path) = folder();
    let mut shards = [Tensors::new(), Tensors::new()];
    for (i, (name, tensor)) in tensors().into_iter().enumerate() {
        shards[i % 2].insert(name, tensor);
    }
    let mut map = BTreeMap::new();
    let mut lines = String::new();
    for (i, shard) in shards.iter().enumerate() {
        let file = format!("model-0000{}-of-00002.safetensors", i + 1);
        let bytes = serialize(shard);
        lines = lines + &file + " " + &hash::sha256(&bytes) + "\n";
        fs::write(path.join(&file), bytes).expect("a shard");
        map.extend(shard.keys().map(|name| (name.clone(), file.clone())));
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": map});
    fs::write(path.join("model.safetensors.index.json"), index.to_string()).expect("an index");
    assert_eq!(embed(&path), embed(&mini()));
    let folder = ModelFolder::open(&path).expect("a folder");
    assert_eq!(
        folder.sha256().expect("readable"),
        hash::sha256(lines.as_bytes())
    );
    assert_eq!(folder.name(), "plm");
    fs::remove_file(path.join("model-00002-of-00002.safetensors")).expect("removed");
    assert!(
        refusal(&path)
            .to_string()
            .contains("model-00002-of-00002.safetensors")
    );
}

#[test]
fn one_file_is_identified_by_its_own_sum() {
    let bytes = fs::read(mini().join("model.safetensors")).expect("weights");
    let folder = ModelFolder::open(&mini()).expect("a folder");
    assert_eq!(folder.sha256().expect("readable"), hash::sha256(&bytes));
}

#[test]
fn half_precision_weights_are_used_as_they_are_stored() {
    for (dtype, precision) in [(Dtype::F16, Precision::F16), (Dtype::BF16, Precision::Bf16)] {
        let halves = tensors()
            .into_iter()
            .map(|(name, (_, shape, data))| {
                let (values, _) = data.as_chunks::<4>();
                let data = values
                    .iter()
                    .flat_map(|&v| {
                        let v = f32::from_le_bytes(v);
                        if dtype == Dtype::F16 {
                            half::f16::from_f32(v).to_le_bytes()
                        } else {
                            half::bf16::from_f32(v).to_le_bytes()
                        }
                    })
                    .collect();
                (name, (dtype, shape, data))
            })
            .collect();
        let (_dir, path) = with_weights(&serialize(&halves));
        let got = embed(&path);
        let rounded = embed_with(&crate::support::load_at(&mini(), precision));
        // vectors (biases, norms) are rounded in the file, matrices in both
        assert!(crate::support::relative_error(&got, &rounded) < 1e-2);
        assert!(crate::support::relative_error(&got, &embed(&mini())) < 2e-2);
    }
}

#[test]
fn blocks_behind_the_last_that_is_asked_for_are_not_read() {
    let mut tensors = tensors();
    tensors.retain(|name, _| !name.contains("layer.3.") && !name.contains("layer.4."));
    let (_dir, path) = with_weights(&serialize(&tensors));
    let folder = ModelFolder::open(&path).expect("a folder");
    let place = |layer| Place::new(Site::Residual, layer, &folder.architecture).expect("a layer");
    let needs = |layer| LoadPlan::places(&[place(layer)], Precision::F32);
    assert!(Model::load(&folder, needs(3)).is_ok());
    assert!(matches!(
        Model::load(&folder, needs(4)),
        Err(PlmError::MissingTensor { .. })
    ));
}

#[test]
fn a_missing_tensor_is_named_with_its_shape() {
    let mut tensors = tensors();
    tensors
        .remove("esm.encoder.layer.2.output.dense.weight")
        .expect("it was there");
    let (_dir, path) = with_weights(&serialize(&tensors));
    let error = refusal(&path);
    let text = error.to_string();
    assert!(
        text.contains("model.safetensors") && text.contains("encoder.layer.2.output.dense.weight"),
        "{text}"
    );
    assert!(text.contains("[128, 512]"), "{text}");
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[test]
fn a_wrong_shape_is_named_with_both() {
    let mut tensors = tensors();
    let name = "esm.encoder.layer.1.attention.self.key.weight";
    tensors.get_mut(name).expect("it is there").1 = vec![64, 256];
    let (_dir, path) = with_weights(&serialize(&tensors));
    let text = refusal(&path).to_string();
    assert!(
        text.contains(name) && text.contains("[64, 256]") && text.contains("[128, 128]"),
        "{text}"
    );
}

#[test]
fn whole_numbers_are_no_weights() {
    let mut tensors = tensors();
    let tensor = tensors
        .get_mut("esm.encoder.layer.0.LayerNorm.bias")
        .expect("it is there");
    tensor.0 = Dtype::I32;
    let (_dir, path) = with_weights(&serialize(&tensors));
    assert!(refusal(&path).to_string().contains("I32"));
}

#[test]
fn pointers_and_damaged_files_say_what_to_do() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 31384292\n";
    let whole = fs::read(mini().join("model.safetensors")).expect("weights");
    for (bytes, cure) in [
        (&pointer[..], "git lfs pull"),
        (&whole[..whole.len() - 1], "truncated or damaged"),
        (&whole[..whole.len() / 2], "truncated or damaged"),
        (&whole[..100], "truncated or damaged"),
        (&whole[..4], "truncated or damaged"),
        (b"", "truncated or damaged"),
        (
            b"not a model of any kind, and long enough to have a header",
            "truncated or damaged",
        ),
    ] {
        let (_dir, path) = with_weights(bytes);
        let error = refusal(&path);
        let text = error.to_string();
        assert!(
            text.contains(cure) && text.contains("model.safetensors"),
            "{text}"
        );
        assert_eq!(error.kind(), ErrorKind::Data);
        let (_dir, path) = folder();
        fs::write(path.join("pytorch_model.bin"), bytes).expect("weights");
        let text = refusal(&path).to_string();
        assert!(
            text.contains(cure) && text.contains("pytorch_model.bin"),
            "{text}"
        );
    }
}

#[test]
fn a_folder_without_weights_or_vocabulary_says_what_is_missing() {
    let (_dir, path) = folder();
    assert!(refusal(&path).to_string().contains("model.safetensors"));
    fs::remove_file(path.join("vocab.txt")).expect("removed");
    let text = fs::read_to_string(path.join("config.json")).expect("a configuration");
    let other = text.replace("\"vocab_size\": 33", "\"vocab_size\": 34");
    fs::write(path.join("config.json"), other).expect("a configuration");
    let text = refusal(&path).to_string();
    assert!(
        text.contains("vocab.txt") && text.contains("33 tokens") && text.contains("34"),
        "{text}"
    );
    fs::remove_file(path.join("config.json")).expect("removed");
    assert!(refusal(&path).to_string().contains("config.json"));
}

#[test]
fn a_folder_without_a_vocabulary_has_its_familys() {
    let want = embed(&mini());
    let (_dir, path) = with_weights(&serialize(&tensors()));
    fs::remove_file(path.join("vocab.txt")).expect("removed");
    assert_eq!(embed(&path), want);
    // one of its own is read where it is there
    let lines = fs::read_to_string(mini().join("vocab.txt")).expect("a vocabulary");
    let ids: BTreeMap<&str, usize> = lines.lines().zip(0..).collect();
    let mut tokenizer = serde_json::json!({"model": {"vocab": ids}});
    fs::write(path.join("tokenizer.json"), tokenizer.to_string()).expect("a tokenizer");
    assert_eq!(embed(&path), want);
    let vocab = &mut tokenizer["model"]["vocab"];
    (vocab["L"], vocab["A"]) = (5.into(), 4.into());
    fs::write(path.join("tokenizer.json"), tokenizer.to_string()).expect("a tokenizer");
    assert_ne!(embed(&path), want);
}

#[test]
fn an_index_cannot_lead_out_of_the_folder() {
    let (_dir, path) = folder();
    let index = r#"{"weight_map": {"a": "../../secret.safetensors"}}"#;
    fs::write(path.join("model.safetensors.index.json"), index).expect("an index");
    assert!(
        refusal(&path)
            .to_string()
            .contains("not a file of this folder")
    );
}

#[test]
fn other_positions_are_refused_by_name() {
    let text = fs::read_to_string(mini().join("config.json")).expect("a configuration");
    let text = text.replace("\"rotary\"", "\"relative_key\"");
    let (_dir, path) = folder();
    fs::write(path.join("config.json"), text).expect("a configuration");
    let message = refusal(&path).to_string();
    assert!(
        message.contains("ESM-2") && message.contains("relative_key"),
        "{message}"
    );
}

#[test]
fn layers_that_a_model_does_not_have_are_usage_errors() {
    let folder = ModelFolder::open(&mini()).expect("a folder");
    for (site, layer) in [
        (Site::Residual, 7),
        (Site::Attention, 0),
        (Site::Mlp, 0),
        (Site::Mlp, 7),
    ] {
        let error = Place::new(site, layer, &folder.architecture).expect_err("no such place");
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
}
