//! `pytorch_model.bin`: the same bits as safetensors, and nothing of the pickle is executed.

use crate::support::{batch, load, mini, rows, sequence};
use flate2::Crc;
use protsae::{
    plm::{
        encoder::{LoadPlan, Model},
        error::PlmError,
        place::Place,
        weights::{ModelFolder, Precision},
    },
    table::metadata::Site,
};
use safetensors::SafeTensors;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A zip archive of stored entries, as `torch.save` writes.
fn zip(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let mut crc = Crc::new();
        crc.update(data);
        let mut fields = Vec::new();
        for part in [
            &[20u8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &crc.sum().to_le_bytes(),
        ] {
            fields.extend_from_slice(part);
        }
        let size = (data.len() as u32).to_le_bytes();
        fields.extend_from_slice(&size);
        fields.extend_from_slice(&size);
        fields.extend_from_slice(&(name.len() as u16).to_le_bytes());
        fields.extend_from_slice(&[0, 0]);
        let offset = out.len() as u32;
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&fields);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(data);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&fields);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let start = out.len() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn number(out: &mut Vec<u8>, number: usize) {
    out.push(b'J');
    out.extend_from_slice(&(number as u32).to_le_bytes());
}

fn numbers(out: &mut Vec<u8>, numbers: &[usize]) {
    out.push(b'(');
    for &n in numbers {
        number(out, n);
    }
    out.push(b't');
}

/// Name, shape and bytes of a tensor.
type Tensor = (String, Vec<usize>, Vec<u8>);

/// How matrices of a checkpoint are stored.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Rows,
    Columns,
}

/// The numbers of a matrix column by column.
fn columns(shape: &[usize], data: &[u8]) -> Vec<u8> {
    let at = |row: usize, column: usize| 4 * (row * shape[1] + column);
    let places = (0..shape[1]).flat_map(|c| (0..shape[0]).map(move |r| at(r, c)));
    places.flat_map(|i| data[i..i + 4].to_vec()).collect()
}

/// A checkpoint of these tensors.
fn checkpoint(tensors: &[Tensor], order: Order) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    let mut entries = Vec::new();
    for (i, (name, shape, data)) in tensors.iter().enumerate() {
        text(&mut pickle, name);
        pickle.extend_from_slice(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend_from_slice(b"ctorch\nFloatStorage\n");
        text(&mut pickle, &i.to_string());
        text(&mut pickle, "cpu");
        number(&mut pickle, data.len() / 4);
        pickle.extend_from_slice(b"tQ");
        number(&mut pickle, 0);
        numbers(&mut pickle, shape);
        let turned = order == Order::Columns && shape.len() == 2;
        let strides: Vec<usize> = if turned {
            vec![1, shape[0]]
        } else {
            (0..shape.len())
                .map(|d| shape[d + 1..].iter().product())
                .collect()
        };
        numbers(&mut pickle, &strides);
        pickle.extend_from_slice(b"\x89ccollections\nOrderedDict\n)RtR");
        let data = if turned {
            columns(shape, data)
        } else {
            data.clone()
        };
        entries.push((format!("archive/data/{i}"), data));
    }
    pickle.extend_from_slice(b"u.");
    entries.insert(0, ("archive/data.pkl".into(), pickle));
    zip(&entries)
}

fn tensors() -> Vec<Tensor> {
    let bytes = fs::read(mini().join("model.safetensors")).expect("the embedded model");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let mut tensors: Vec<Tensor> = file
        .iter()
        .map(|(n, v)| (n.to_owned(), v.shape().to_vec(), v.data().to_vec()))
        .collect();
    // the file's reader gives them in any order; the first is one that every model needs
    tensors.sort_by_key(|(name, ..)| (!name.contains("word_embeddings"), name.clone()));
    tensors
}

fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("plm");
    fs::create_dir(&path).expect("a folder");
    for name in ["config.json", "vocab.txt"] {
        fs::copy(mini().join(name), path.join(name)).expect("a copy");
    }
    (dir, path)
}

fn embed(path: &Path) -> Vec<f32> {
    let model = load(path);
    let batch = batch(&model, &[&sequence(50, 7)]);
    let place = Place::new(Site::Residual, 6, model.architecture()).expect("the last layer");
    rows(&model.forward(&batch, &[place], None), 0, &batch, 0)
}

fn refusal(path: &Path) -> PlmError {
    let needs = LoadPlan {
        layers: 6,
        head: true,
        precision: Precision::F32,
    };
    let model = ModelFolder::open(path).and_then(|folder| Model::load(&folder, needs));
    model.err().expect("a refusal")
}

#[test]
fn a_checkpoint_gives_the_same_bits_as_safetensors() {
    let (_dir, path) = folder();
    let want = embed(&mini());
    for order in [Order::Rows, Order::Columns] {
        let bytes = checkpoint(&tensors(), order);
        fs::write(path.join("pytorch_model.bin"), bytes).expect("a checkpoint");
        assert_eq!(embed(&path), want);
    }
}

#[test]
fn tensors_that_nothing_needs_may_be_of_any_type() {
    let (_dir, path) = folder();
    let mut all = tensors();
    all.push(("esm.counter".into(), vec![1], vec![0; 4]));
    let bytes = checkpoint(&all, Order::Rows);
    // the last storage, of which nothing knows what it is
    let at = memchr::memmem::rfind(&bytes, b"FloatStorage").expect("a storage");
    let mut odd = bytes.clone();
    odd[at..at + 5].copy_from_slice(b"QUInt");
    fs::write(path.join("pytorch_model.bin"), &odd).expect("a checkpoint");
    assert_eq!(embed(&path), embed(&mini()));
    let at = memchr::memmem::find(&bytes, b"FloatStorage").expect("a storage");
    let mut odd = bytes;
    odd[at..at + 5].copy_from_slice(b"QUInt");
    fs::write(path.join("pytorch_model.bin"), &odd).expect("a checkpoint");
    let text = refusal(&path).to_string();
    assert!(text.contains("holds QUIntStorage"), "{text}");
}

#[test]
fn a_pickle_without_an_archive_is_refused_by_name() {
    let (_dir, path) = folder();
    fs::write(path.join("pytorch_model.bin"), b"\x80\x02}.").expect("a file");
    let text = refusal(&path).to_string();
    assert!(
        text.contains("pytorch_model.bin: a bare pickle") && !text.contains("damaged"),
        "{text}"
    );
}

#[test]
fn shards_of_a_checkpoint_give_the_same_bits() {
    let (_dir, path) = folder();
    let all = tensors();
    let (left, right) = all.split_at(all.len() / 3);
    let mut map = std::collections::BTreeMap::new();
    for (i, part) in [left, right].into_iter().enumerate() {
        let file = format!("pytorch_model-0000{}-of-00002.bin", i + 1);
        fs::write(path.join(&file), checkpoint(part, Order::Rows)).expect("a shard");
        map.extend(part.iter().map(|(name, ..)| (name.clone(), file.clone())));
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": map}).to_string();
    fs::write(path.join("pytorch_model.bin.index.json"), index).expect("an index");
    assert_eq!(embed(&path), embed(&mini()));
}

#[test]
fn a_checkpoint_cut_short_is_refused() {
    let (_dir, path) = folder();
    let bytes = checkpoint(&tensors(), Order::Rows);
    for length in [bytes.len() - 1, bytes.len() / 2, 100] {
        fs::write(path.join("pytorch_model.bin"), &bytes[..length]).expect("a file");
        let message = ModelFolder::open(&path)
            .err()
            .expect("a refusal")
            .to_string();
        assert!(message.contains("truncated or damaged"), "{message}");
    }
}

#[test]
fn code_in_a_pickle_is_not_run() {
    let (dir, path) = folder();
    let victim = dir.path().join("ran");
    let mut pickle = b"\x80\x02cposix\nsystem\n(".to_vec();
    text(&mut pickle, &format!("touch {}", victim.display()));
    pickle.extend_from_slice(b"tR.");
    let bytes = zip(&[("archive/data.pkl".into(), pickle)]);
    fs::write(path.join("pytorch_model.bin"), bytes).expect("a file");
    assert!(matches!(
        refusal(&path),
        PlmError::MissingTensor { .. } | PlmError::Damaged { .. }
    ));
    assert!(!victim.exists());
}
