//! How near the engine comes to the machine's matrix products: two blocks of each ESM-2 shape on
//! yeast-like lengths, beside plain products of the same widths and the rate of the machine's unit, in turns.
//!
//! `cargo bench --bench esm2 [-- THREADS]`

use candle_core::{Device, Tensor};
use protsae::{
    math::{
        matrix_unit::{
            self, BLOCK, BlockProduct, Line, PackedRows, Split, pack_panel, panel_lines,
        },
        simd::{self, TILE_ROWS, Tile, tile},
    },
    plm::{
        batch::Batch,
        encoder::{LoadPlan, Model},
        panel::{self, Inputs, LANES, View, ViewMut, Weights},
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
    let rates = Rates::measure();
    println!("{threads} threads; GFLOP/s of the units: {rates}");
    println!(
        "GFLOP/s of the engine, of its products alone, and their shares of the unit's rate; candle's products: f32"
    );
    for (name, width, heads) in SHAPES {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path(), width, heads);
        let folder = ModelFolder::open(dir.path()).expect("a model folder");
        print!("{name:>5}");
        for precision in [Precision::F32, Precision::Bf16, Precision::Bf16x3] {
            let (engine, products) = measure(&folder, precision);
            let rate = rates.products_in(precision);
            let shares = [engine / rate, products / rate].map(|share| 100.0 * share);
            let [of_engine, of_products] = shares;
            print!(
                "  {precision} {engine:.0} {products:.0} ({of_engine:.0} %, {of_products:.0} %)"
            );
        }
        println!("  candle {:.0}", candle(width));
    }
}

/// GFLOP/s of the engine, and of a product as those of its MLP.
fn measure(folder: &ModelFolder, precision: Precision) -> (f64, f64) {
    let (width, split) = (folder.architecture.width, precision.split());
    let place = Place::new(Site::Residual, BLOCKS, &folder.architecture).expect("the last block");
    let needs = LoadPlan::places(&[place], precision);
    let model = Model::load(folder, needs).expect("all tensors");
    let batch = batch(&model);
    let flops: f64 = (0..batch.sequences())
        .map(|s| batch.range(s).len())
        .map(|n| n as f64 * folder.architecture.flops_per_token(BLOCKS, n))
        .sum();
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let weights = numbers(&mut random, 4 * width * width);
    let weights = Weights::new(Matrix::from_vec(weights, 4 * width, width), split);
    let bias = vec![0f32; 4 * width];
    let x = numbers(&mut random, TOKENS * width);
    let mut y = vec![0f32; TOKENS * 4 * width];
    let product = 2.0 * (TOKENS * 4 * width * width) as f64;
    let mut best = [0f64; 2];
    for _ in 0..TURNS {
        let engine = flops / seconds(|| drop(model.forward(&batch, &[place], None)));
        let ours = product / seconds(|| multiply(&weights, &bias, split, (&x, width), &mut y));
        for (best, rate) in best.iter_mut().zip([engine, ours]) {
            *best = best.max(rate / 1e9);
        }
    }
    best.into()
}

/// A product by groups of panels, their inputs packed on the way.
fn multiply(
    weights: &Weights,
    bias: &[f32],
    split: Option<Split>,
    (x, width): (&[f32], usize),
    y: &mut [f32],
) {
    let group = 4 * LANES;
    x.par_chunks(group * width)
        .zip(y.par_chunks_mut(group * 4 * width))
        .for_each(|(x, y)| {
            panel::with_lines(Inputs::lines(split, width, 4), |lines| {
                let view = View {
                    data: x,
                    stride: width * LANES,
                };
                let inputs = Inputs::new(split, view, width, 4, lines);
                let mut to = ViewMut {
                    data: y,
                    stride: 4 * width * LANES,
                };
                panel::linear(weights, bias, &inputs, &mut to, 4);
            });
        });
}

/// GFLOP/s of candle's product of the same size, in f32.
fn candle(width: usize) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut tensor = |rows: usize| {
        let values = numbers(&mut random, rows * width);
        Tensor::from_vec(values, (rows, width), &Device::Cpu).expect("a tensor")
    };
    let (a, b) = (tensor(TOKENS), tensor(4 * width));
    let product = 2.0 * (TOKENS * 4 * width * width) as f64;
    let rate = |_| {
        let time = seconds(|| {
            let transposed = b.t().expect("a matrix");
            drop(a.matmul(&transposed).expect("a product"));
        });
        product / time / 1e9
    };
    (0..TURNS).map(rate).fold(0.0, f64::max)
}

/// GFLOP/s of all threads' units where both factors lie in the first-level cache.
struct Rates {
    /// Vectors of f32.
    vectors: f64,
    /// The matrix unit's products of bf16 numbers.
    unit: f64,
}

impl Rates {
    fn measure() -> Self {
        const TIMES: usize = 20_000;
        let numbers = vec![0.5f32; 64 * LANES];
        let packed = PackedRows::new(Split::Bf16, &vec![0.5; BLOCK * 64], 64);
        let mut lines = vec![Line::default(); panel_lines(64, Split::Bf16)];
        pack_panel(Split::Bf16, &numbers, LANES, 64, &mut lines);
        let on_all = |work: &(dyn Fn(&mut [f32]) + Sync)| {
            let turn = |_| {
                let time = seconds(|| {
                    rayon::broadcast(|_| {
                        let mut out = vec![0f32; BLOCK * LANES];
                        (0..TIMES).for_each(|_| work(std::hint::black_box(&mut out)));
                    });
                });
                let threads = rayon::current_num_threads();
                (2 * BLOCK * LANES * 64 * TIMES * threads) as f64 / time / 1e9
            };
            (0..TURNS).map(turn).fold(0.0, f64::max)
        };
        let vectors = on_all(&|out| {
            for c in out.chunks_exact_mut(TILE_ROWS * LANES) {
                tile(Tile {
                    a: &numbers,
                    a_row: 64,
                    a_step: 1,
                    b: &numbers,
                    b_step: LANES,
                    c,
                    c_row: LANES,
                    rows: TILE_ROWS,
                    steps: 64,
                    add: false,
                });
            }
        });
        let unit = on_all(&|out| {
            let block = BlockProduct {
                split: Split::Bf16,
                left: packed.block(0, 0),
                right: &lines,
                inner: 64,
                out,
                out_row: LANES,
                rows: BLOCK,
                add: false,
            };
            block.compute();
        });
        Self { vectors, unit }
    }

    /// Rate at which products of a precision could be made.
    fn products_in(&self, precision: Precision) -> f64 {
        match precision.split() {
            None => self.vectors,
            Some(Split::Bf16) => self.unit,
            Some(Split::Bf16x3) => self.unit / 3.0,
            Some(Split::Bf16x6) => self.unit / 6.0,
        }
    }
}

impl std::fmt::Display for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (isa, unit) = (simd::isa(), matrix_unit::unit());
        write!(f, "{isa} {:.0}, {unit} {:.0}", self.vectors, self.unit)
    }
}
