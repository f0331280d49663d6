//! How near the engine comes to the machine's matrix products: two blocks of each ESM-2 shape on
//! yeast-like lengths, beside plain products of the same widths, in turns.
//!
//! `cargo bench --bench esm2 [-- THREADS]`; prints GFLOP/s and their ratio.

use candle_core::{Device, Tensor};
use protsae::{
    plm::{
        batch::Batch,
        encoder::{LoadPlan, Model},
        panel::{self, LANES, View, ViewMut},
        place::Place,
        weights::{Matrix, ModelFolder, Precision},
    },
    table::metadata::Site,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use rayon::prelude::*;
use safetensors::{Dtype, tensor::TensorView};
use std::{collections::BTreeMap, fs, path::Path, time::Instant};

/// Name, width and heads of the released models.
const SHAPES: [(&str, usize, usize); 5] = [
    ("8M", 320, 20),
    ("35M", 480, 20),
    ("150M", 640, 20),
    ("650M", 1280, 20),
    ("3B", 2560, 40),
];
/// Blocks that are measured; all blocks of a model are alike.
const BLOCKS: usize = 2;
/// Turns; the best of each counts, since a busy machine only ever slows down.
const TURNS: usize = 8;
/// Tokens of the batch.
const TOKENS: usize = 4096;

fn numbers(random: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count)
        .map(|_| (random.next_u32() as f32 / u32::MAX as f32 - 0.5) * 0.04)
        .collect()
}

/// A folder of random weights.
fn write(dir: &Path, width: usize, heads: usize) {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let mut add = |name: String, shape: &[usize], one: bool| {
        let mut values = numbers(&mut random, shape.iter().product());
        if one {
            values.fill(1.0);
        }
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        tensors.insert(name, (shape.to_vec(), bytes));
    };
    add(
        "embeddings.word_embeddings.weight".into(),
        &[33, width],
        false,
    );
    for block in 0..BLOCKS {
        let at = |part: &str| format!("encoder.layer.{block}.{part}");
        for (part, outputs, inputs) in [
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", 4 * width, width),
            ("output.dense", width, 4 * width),
        ] {
            add(at(part) + ".weight", &[outputs, inputs], false);
            add(at(part) + ".bias", &[outputs], false);
        }
        for part in ["attention.LayerNorm", "LayerNorm"] {
            add(at(part) + ".weight", &[width], true);
            add(at(part) + ".bias", &[width], false);
        }
    }
    let views: BTreeMap<&str, TensorView> = tensors
        .iter()
        .map(|(name, (shape, bytes))| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor");
            (name.as_str(), view)
        })
        .collect();
    let bytes = safetensors::serialize(views, None).expect("a file");
    fs::write(dir.join("model.safetensors"), bytes).expect("weights");
    let config = serde_json::json!({
        "model_type": "esm", "position_embedding_type": "rotary", "token_dropout": true,
        "layer_norm_eps": 1e-5, "vocab_size": 33, "num_hidden_layers": BLOCKS + 1,
        "hidden_size": width, "num_attention_heads": heads, "intermediate_size": 4 * width,
    });
    fs::write(dir.join("config.json"), config.to_string()).expect("a configuration");
    let vocab = concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/mini_esm2/vocab.txt");
    fs::copy(vocab, dir.join("vocab.txt")).expect("a vocabulary");
}

/// Sequences of 50 to 1,000 residues.
fn batch(model: &Model) -> Batch {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut batch = Batch::new();
    while batch.tokens().len() < TOKENS {
        let length = 50 + random.next_u32() as usize % 950;
        let residues: Vec<u8> = (0..length)
            .map(|_| b"LAGVSERTIDPKQNFYMHWC"[random.next_u32() as usize % 20])
            .collect();
        batch.push(model.vocabulary(), &residues);
    }
    batch
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

fn main() {
    let threads = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(2);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .expect("threads");
    println!(
        "{threads} threads, GFLOP/s: the engine, our products, candle's products; engine / ours"
    );
    for (name, width, heads) in SHAPES {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), width, heads);
        let folder = ModelFolder::open(dir.path()).expect("a model folder");
        let place =
            Place::new(Site::Residual, BLOCKS, &folder.architecture).expect("the last block");
        let needs = LoadPlan::places(&[place], Precision::F32);
        let model = Model::load(&folder, needs).expect("all tensors");
        let batch = batch(&model);
        let flops: f64 = (0..batch.sequences())
            .map(|s| batch.range(s).len())
            .map(|n| n as f64 * folder.architecture.flops_per_token(BLOCKS, n))
            .sum();
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let weights = Matrix::from_vec(numbers(&mut random, 4 * width * width), 4 * width, width);
        let bias = vec![0f32; 4 * width];
        let x = numbers(&mut random, TOKENS * width);
        let mut y = vec![0f32; TOKENS * 4 * width];
        let product = 2.0 * (TOKENS * 4 * width * width) as f64;
        let a = Tensor::from_vec(x.clone(), (TOKENS, width), &Device::Cpu).expect("a tensor");
        let b =
            Tensor::from_vec(weights.to_vec(), (4 * width, width), &Device::Cpu).expect("a tensor");
        let mut best = [0f64; 3];
        for _ in 0..TURNS {
            let engine = flops / seconds(|| drop(model.forward(&batch, &[place], None)));
            let ours = product
                / seconds(|| {
                    let group = 4 * LANES;
                    x.par_chunks(group * width)
                        .zip(y.par_chunks_mut(group * 4 * width))
                        .for_each(|(x, y)| {
                            let view = View {
                                data: x,
                                stride: width * LANES,
                            };
                            let mut to = ViewMut {
                                data: y,
                                stride: 4 * width * LANES,
                            };
                            panel::linear(&weights, &bias, &view, &mut to, 4);
                        });
                });
            let candle = product
                / seconds(|| {
                    let transposed = b.t().expect("a matrix");
                    drop(a.matmul(&transposed).expect("a product"));
                });
            for (best, rate) in best.iter_mut().zip([engine, ours, candle]) {
                *best = best.max(rate);
            }
        }
        let [engine, ours, candle] = best.map(|rate| rate / 1e9);
        println!(
            "{name:>5} {engine:7.0} {ours:7.0} {candle:7.0} {:6.2}",
            engine / ours
        );
    }
}
