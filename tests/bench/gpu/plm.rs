//! Protein language models of random weights in the shapes of released ones, for speed alone.

use super::Result;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde_json::{Map, Value, json};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

/// Layers, width and heads (arXiv 2022.07.20.500902, table S1).
fn shape(name: &str) -> Result<(usize, usize, usize)> {
    match name {
        "8M" => Ok((6, 320, 20)),
        "150M" => Ok((30, 640, 20)),
        "650M" => Ok((33, 1280, 20)),
        _ => Err(format!("no shape {name}: 8M, 150M or 650M").into()),
    }
}

/// What the numbers of a tensor are.
#[derive(Clone, Copy)]
enum Fill {
    /// Of a standard deviation of 0.02, as models begin with.
    Random,
    Zeros,
    Ones,
}

type Tensor = (String, Vec<usize>, Fill);

fn tensors(layers: usize, width: usize) -> Vec<Tensor> {
    let mut out = vec![(
        "embeddings.word_embeddings.weight".into(),
        vec![33, width],
        Fill::Random,
    )];
    let linear = |out: &mut Vec<Tensor>, name: String, outputs: usize, inputs: usize| {
        out.push((
            format!("{name}.weight"),
            vec![outputs, inputs],
            Fill::Random,
        ));
        out.push((format!("{name}.bias"), vec![outputs], Fill::Zeros));
    };
    let norm = |out: &mut Vec<Tensor>, name: String| {
        out.push((format!("{name}.weight"), vec![width], Fill::Ones));
        out.push((format!("{name}.bias"), vec![width], Fill::Zeros));
    };
    for layer in 0..layers {
        let at = |part: &str| format!("encoder.layer.{layer}.{part}");
        for part in ["query", "key", "value"] {
            linear(
                &mut out,
                at(&format!("attention.self.{part}")),
                width,
                width,
            );
        }
        linear(&mut out, at("attention.output.dense"), width, width);
        linear(&mut out, at("intermediate.dense"), 4 * width, width);
        linear(&mut out, at("output.dense"), width, 4 * width);
        norm(&mut out, at("attention.LayerNorm"));
        norm(&mut out, at("LayerNorm"));
    }
    norm(&mut out, "encoder.emb_layer_norm_after".into());
    out
}

/// Writes a folder in the layout of Hugging Face. Tensors go to the file one by one: the largest model would fill a
/// small machine's memory.
pub(super) fn write(name: &str, folder: &Path) -> Result<()> {
    let (layers, width, heads) = shape(name)?;
    let tensors = tensors(layers, width);
    fs::create_dir_all(folder)?;
    let mut header = Map::new();
    let mut end = 0;
    for (name, shape, _) in &tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        header.insert(name.clone(), entry);
    }
    let mut header = Value::Object(header).to_string();
    // numbers begin at a multiple of eight
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut out =
        BufWriter::with_capacity(1 << 20, File::create(folder.join("model.safetensors"))?);
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut bytes = Vec::new();
    for (_, shape, fill) in &tensors {
        bytes.clear();
        for _ in 0..shape.iter().product::<usize>() {
            let value = match fill {
                Fill::Random => normal(&mut random),
                Fill::Zeros => 0.0,
                Fill::Ones => 1.0,
            };
            bytes.extend(value.to_le_bytes());
        }
        out.write_all(&bytes)?;
    }
    out.into_inner()?.sync_all()?;
    let config = json!({
        "model_type": "esm", "position_embedding_type": "rotary", "token_dropout": true, "layer_norm_eps": 1e-5,
        "vocab_size": 33, "num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads,
        "intermediate_size": 4 * width, "max_position_embeddings": 1026, "emb_layer_norm_before": false,
    });
    fs::write(folder.join("config.json"), config.to_string())?;
    let vocabulary = include_str!("../../../test_data/mini_esm2/vocab.txt");
    fs::write(folder.join("vocab.txt"), vocabulary)?;
    Ok(())
}

/// About a normal number of standard deviation 0.02: the sum of eight bytes, which are the cheapest randomness.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    let bytes = random.next_u64().to_le_bytes();
    let sum: i32 = bytes.iter().map(|&byte| i32::from(byte)).sum();
    // eight bytes sum to 1020 with a standard deviation of 209
    (sum - 1020) as f32 * (0.02 / 209.0)
}
