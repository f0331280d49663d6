//! Steps of training (or encoding alone) on a seeded sparse mixture, timed.
//!
//!     cargo bench --bench train_step -- --batch 2048 --width 320 --latents 4096 --k 32
//!         [--concepts 200] [--steps 20] [--axioms 2000] [--zero 500] [--threads 2] [--compute f32] [--encode-only | --cuda]
//!
//! Prints one JSON line with the names that `train.sh` compares: the median over the steps; on a GPU also the share of
//! it that Adam alone would take at the rate at which the card copies memory.

use std::time::Instant;

use protsae::{
    annot::concept::{Axioms, CONCEPTS_FORMAT, ConceptsFile},
    sae::{
        ModelConfig, Sae,
        config::{Objective, Shape, Variant},
        encode::Encoder,
        params::Params,
        settings::{Operand, Training},
    },
    train::{backend::Trainer, cpu::Engine, data::batch::Batch},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// Active atoms of a row of the mixture.
const ATOMS: usize = 12;
/// Steps before the clock starts.
const WARM_UP: usize = 3;

fn option(name: &str, default: usize) -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|a| a == name) {
        None => default,
        Some(at) => arguments[at + 1].parse().expect("a number"),
    }
}

/// What products on the CPU multiply.
fn compute() -> Operand {
    let arguments: Vec<String> = std::env::args().collect();
    let Some(at) = arguments.iter().position(|a| a == "--compute") else {
        return Operand::F32;
    };
    let all = [Operand::F32, Operand::Bf16];
    let named = all.into_iter().find(|c| c.name() == arguments[at + 1]);
    named.expect("f32 or bf16")
}

fn uniform(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    (rng.next_u64() % end as u64) as usize
}

fn batch(rng: &mut ChaCha8Rng, atoms: &[f32], shape: &Shape, rows: usize) -> Batch<f32> {
    let d = shape.width;
    let mut batch = Batch::default();
    batch.clear();
    for _ in 0..rows {
        let start = batch.x.len();
        batch.x.resize(start + d, 0.0);
        for _ in 0..ATOMS {
            let atom = below(rng, 4 * d);
            let size = uniform(rng);
            for (x, a) in batch.x[start..].iter_mut().zip(&atoms[atom * d..]) {
                *x += size * a;
            }
            if atom < shape.defined
                && !batch.labels[batch.offsets[batch.rows()]..].contains(&(atom as u32))
            {
                batch.labels.push(atom as u32);
            }
        }
        batch.end_row(true);
    }
    batch
}

fn on_gpu() -> bool {
    std::env::args().any(|a| a == "--cuda")
}

/// A model in training, on the CPU or a GPU.
fn engine(params: Params<f32>, objective: Objective, axioms: &Axioms) -> Box<dyn Trainer> {
    let weights = vec![1.0; params.shape.defined];
    #[cfg(feature = "cuda")]
    if on_gpu() {
        use protsae::train::gpu::{GpuEngine, Operand, cuda::Cuda};
        let machine = Cuda::new(0).expect("a GPU");
        let operand = Operand::Bf16;
        let engine = GpuEngine::new(machine, &params, objective, &weights, axioms, 0, operand);
        return Box::new(engine.expect("it fits"));
    }
    assert!(!on_gpu(), "--cuda needs --features cuda");
    let mut engine = Engine::new(params, objective, weights, axioms, 0);
    engine.split(compute().split());
    Box::new(engine)
}

/// Seconds that moving all weights and moments takes at least: 54 bytes a weight of one matrix, at the rate of copies.
#[cfg(feature = "cuda")]
fn floor(shape: &Shape) -> f64 {
    use candle_core::cuda_backend::CudaDevice;
    const BYTES: usize = 1 << 30;
    const TIMES: usize = 10;
    let device = CudaDevice::new_with_stream(0).expect("a GPU");
    let from = device.alloc_zeros::<u8>(BYTES).expect("memory");
    let mut to = device.alloc_zeros::<u8>(BYTES).expect("memory");
    let stream = device.cuda_stream();
    let mut start = Instant::now();
    for time in 0..=TIMES {
        device.memcpy_dtod(&from, &mut to).expect("a copy");
        if time == 0 {
            stream.synchronize().expect("the GPU works");
            start = Instant::now();
        }
    }
    stream.synchronize().expect("the GPU works");
    // a copy reads and writes
    let rate = (2 * BYTES * TIMES) as f64 / start.elapsed().as_secs_f64();
    54.0 * (shape.latents * shape.width) as f64 / rate
}

#[cfg(not(feature = "cuda"))]
fn floor(_: &Shape) -> f64 {
    f64::NAN
}

fn main() {
    let shape = Shape {
        width: option("--width", 320),
        latents: option("--latents", 4096),
        defined: option("--concepts", 200),
        zero_classes: option("--zero", 500),
        relations: 8,
    };
    let (rows, steps) = (option("--batch", 2048), option("--steps", 20));
    let threads = option("--threads", 2);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .expect("the pool is not built yet");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let d = shape.width;
    let atoms: Vec<f32> = (0..4 * d * d)
        .map(|_| (0..4).map(|_| uniform(&mut rng) - 0.5).sum::<f32>() * 1.73)
        .collect();
    let data: Vec<Batch<f32>> = (0..4)
        .map(|_| batch(&mut rng, &atoms, &shape, rows))
        .collect();
    let classes = shape.classes();
    let axioms = Axioms {
        nf1: (0..option("--axioms", 2000))
            .map(|_| {
                [
                    below(&mut rng, classes) as u32,
                    below(&mut rng, classes) as u32,
                ]
            })
            .collect(),
        nf4: (0..option("--axioms", 2000))
            .map(|_| [0, 0, 0].map(|_: u32| below(&mut rng, classes) as u32))
            .map(|[c, r, e]| [c, r % 8, e])
            .collect(),
        ..Axioms::default()
    };
    let objective = Objective {
        variant: Variant::default().with_k(option("--k", 32)),
        ..Objective::default()
    };
    let params = Params::initial(shape, &objective, 0, 0.0, &vec![0.0; d]);
    let encode_only = std::env::args().any(|a| a == "--encode-only");
    let mut times = Vec::new();
    let mut losses = Vec::new();
    if encode_only {
        let sae = Sae {
            config: ModelConfig {
                format: protsae::sae::folder::MODEL_FORMAT.into(),
                plm: None,
                shape,
                input_scale: 1.0,
                objective,
                training: Training::default(),
                conversion: None,
            },
            concepts: ConceptsFile {
                format: CONCEPTS_FORMAT.into(),
                ..ConceptsFile::default()
            },
            latent_max: vec![0.0; shape.latents],
            positive_weight: Vec::new(),
            latent_scale: Vec::new(),
            sha256: String::new(),
            params,
        };
        let mut encoder = Encoder::with(&sae, compute());
        for step in 0..WARM_UP + steps {
            let start = Instant::now();
            encoder.encode(&data[step % 4].x).expect("finite");
            times.push(start.elapsed().as_secs_f64());
        }
    } else {
        let mut engine = engine(params, objective, &axioms);
        drop(atoms);
        for step in 0..WARM_UP + steps {
            let start = Instant::now();
            let next = Some(&data[(step + 1) % 4]);
            let l = engine
                .step(&data[step % 4], next, 5e-4, true)
                .expect("the device works");
            times.push(start.elapsed().as_secs_f64());
            losses.push([l.rec, l.annot, l.axiom]);
        }
    }
    let mut timed = times.split_off(WARM_UP);
    timed.sort_by(f64::total_cmp);
    let median = timed[timed.len() / 2];
    println!(
        "{}",
        serde_json::json!({
            "rows_per_s": (rows as f64 / median * 10.0).round() / 10.0,
            "ms_per_step": (median * 1e6).round() / 1e3,
            "batch": rows, "width": d, "latents": shape.latents, "k": option("--k", 32),
            "concepts": shape.defined, "encode_only": encode_only, "compute": compute().name(),
            "first": losses.first(), "last": losses.last(),
            "copy_floor_share": on_gpu().then(|| floor(&shape) / median),
            "peak_rss_mib": protsae::cli::resources::peak_memory().map(|b| b >> 20),
        })
    );
}
