//! The first GPU: its rates, a model applied on it, and commands that find it nearly full.

use super::Result;

#[cfg(feature = "cuda")]
pub(super) use with_cuda::{encode, hold, print};
#[cfg(not(feature = "cuda"))]
pub(super) use without_cuda::{encode, hold, print};

#[cfg(not(feature = "cuda"))]
mod without_cuda {
    use super::Result;

    const NO_CUDA: &str = "this build has no CUDA: it needs the feature cuda";

    pub(crate) fn print() -> Result<()> {
        Err(NO_CUDA.into())
    }

    pub(crate) fn encode(_: [&str; 3]) -> Result<()> {
        Err(NO_CUDA.into())
    }

    pub(crate) fn hold(_: &str, _: &str, _: &[&str]) -> Result<u8> {
        Err(NO_CUDA.into())
    }
}

#[cfg(feature = "cuda")]
mod with_cuda {
    use super::Result;
    use candle_core::cuda_backend::CudaDevice;
    use protsae::{
        annot::concept::ConceptsFile,
        sae::{
            ModelConfig, Sae,
            config::{Objective, Shape, Variant},
            folder::MODEL_FORMAT,
            params::Params,
            settings::Training,
            variants::Topk,
        },
        train::gpu::{GpuBackend, GpuEncoder, Operand, Product, View, cuda::Cuda},
    };
    use rand_chacha::{
        ChaCha8Rng,
        rand_core::{RngCore, SeedableRng},
    };
    use std::{process::Command, time::Instant};

    /// Side of the matrices that are multiplied.
    const SIDE: usize = 8192;
    /// Bytes of a copy within the card, and to and from it.
    const COPIED: usize = 1 << 30;
    const MOVED: usize = 1 << 28;
    /// Times that something is done, after once that is not timed.
    const TIMES: usize = 10;
    /// Rows of a call: as protsae-encode has them.
    const ROWS: usize = 1 << 13;
    /// Exit status where a command ended by a signal.
    const KILLED: u8 = 255;

    /// Seconds of one of several calls, of which the first is not timed.
    fn seconds(mut work: impl FnMut() -> Result<()>, wait: impl Fn() -> Result<()>) -> Result<f64> {
        work()?;
        wait()?;
        let start = Instant::now();
        for _ in 0..TIMES {
            work()?;
        }
        wait()?;
        Ok(start.elapsed().as_secs_f64() / TIMES as f64)
    }

    fn numbers(count: usize) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        (0..count)
            .map(|_| (random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0)
            .collect()
    }

    /// Prints memory and rates as lines of a name and a number: MiB, TFLOP/s, GB/s.
    pub(crate) fn print() -> Result<()> {
        let machine = Cuda::new(0)?;
        println!("free_mib {}", machine.free()?.unwrap_or(0) >> 20);
        let values = numbers(SIDE * SIDE);
        for (name, operand) in [("gemm_f32", Operand::F32), ("gemm_bf16", Operand::Bf16)] {
            let bytes: Vec<u8> = match operand {
                Operand::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                Operand::Bf16 => {
                    let halves = values.iter().map(|&v| half::bf16::from_f32(v));
                    halves.flat_map(half::bf16::to_le_bytes).collect()
                }
            };
            let mut factor = machine.zeros(bytes.len())?;
            machine.upload(&bytes, &mut factor, 0)?;
            let out = machine.zeros(4 * SIDE * SIDE)?;
            let view = |memory| View {
                memory,
                from: 0,
                stride: SIDE,
            };
            let product = Product {
                operand,
                a: view(&factor),
                a_turned: false,
                b: view(&factor),
                b_turned: true,
                c: view(&out),
                rows: SIDE,
                columns: SIDE,
                inner: SIDE,
            };
            let took = seconds(
                || Ok(machine.multiply(&product)?),
                || Ok(machine.download(&out, 0, &mut [0; 4])?),
            )?;
            println!("{name} {:.1}", 2e-12 * (SIDE as f64).powi(3) / took);
        }
        let device = CudaDevice::new_with_stream(0)?;
        let from = device.alloc_zeros::<u8>(COPIED)?;
        let mut to = device.alloc_zeros::<u8>(COPIED)?;
        let stream = device.cuda_stream();
        let took = seconds(
            || Ok(device.memcpy_dtod(&from, &mut to)?),
            || Ok(stream.synchronize()?),
        )?;
        // a copy reads and writes
        println!("copy_gb {:.0}", 2e-9 * COPIED as f64 / took);
        let mut host = vec![1u8; MOVED];
        let mut memory = machine.zeros(MOVED)?;
        let took = seconds(|| Ok(machine.upload(&host, &mut memory, 0)?), || Ok(()))?;
        println!("upload_gb {:.1}", 1e-9 * MOVED as f64 / took);
        let took = seconds(|| Ok(machine.download(&memory, 0, &mut host)?), || Ok(()))?;
        println!("download_gb {:.1}", 1e-9 * MOVED as f64 / took);
        Ok(())
    }

    /// Prints the rows a second of a `TopK` model of random weights.
    pub(crate) fn encode(sizes: [&str; 3]) -> Result<()> {
        let [width, latents, k] = sizes.map(str::parse::<usize>);
        let shape = Shape {
            width: width?,
            latents: latents?,
            ..Shape::default()
        };
        let objective = Objective {
            variant: Variant::Topk(Topk { k: k? }),
            ..Objective::default()
        };
        objective.check(&shape)?;
        let sae = Sae {
            params: Params::initial(shape, &objective, 0, 0.0, &vec![0.0; shape.width]),
            config: ModelConfig {
                format: MODEL_FORMAT.into(),
                plm: None,
                shape,
                input_scale: 1.0,
                objective,
                training: Training::default(),
                conversion: None,
            },
            concepts: ConceptsFile::default(),
            latent_max: vec![0.0; shape.latents],
            latent_scale: Vec::new(),
            positive_weight: Vec::new(),
            sha256: String::new(),
        };
        let mut encoder = GpuEncoder::new(Cuda::new(0)?, &sae, Operand::F32)?;
        let x = numbers(ROWS * shape.width);
        let took = seconds(
            || {
                encoder.encode(&x)?;
                Ok(())
            },
            || Ok(()),
        )?;
        println!("rows_per_s {:.0}", ROWS as f64 / took);
        Ok(())
    }

    /// Takes all memory but so many MiB, and runs a command meanwhile; its exit status.
    pub(crate) fn hold(mib: &str, program: &str, rest: &[&str]) -> Result<u8> {
        let machine = Cuda::new(0)?;
        let leave = mib.parse::<usize>()? << 20;
        let free = machine.free()?.unwrap_or(0);
        let _held = machine.zeros(free.saturating_sub(leave))?;
        let status = Command::new(program).args(rest).status()?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.unwrap_or(KILLED))
    }
}
