//! Where rows are encoded.

#[cfg(feature = "cuda")]
use crate::train::gpu::{GpuEncoder, cuda::Cuda};
use crate::{
    Error, Result,
    cli::{Context, args::DeviceChoice},
    commands::compute,
    sae::{
        SaeError,
        encode::{Encoded, Encoder},
        folder::Sae,
        settings::Operand,
    },
};

/// An encoder on the device that was chosen.
#[derive(Debug)]
pub(super) enum DeviceEncoder<'a> {
    /// On the CPU.
    Cpu(Box<Encoder<'a>>),
    /// On the GPU of a number.
    #[cfg(feature = "cuda")]
    Gpu(Box<GpuEncoder<'a, Cuda>>, usize),
}

impl<'a> DeviceEncoder<'a> {
    fn cpu(sae: &'a Sae, compute: Operand) -> Self {
        Self::Cpu(Box::new(Encoder::with(sae, compute)))
    }

    /// Opens the device; `auto` takes a GPU that is there and can apply this model.
    #[cfg(feature = "cuda")]
    pub(super) fn open(choice: DeviceChoice, sae: &'a Sae, compute: Operand) -> Result<Self> {
        let (machine, number) = match choice {
            DeviceChoice::Cpu => return Ok(Self::cpu(sae, compute)),
            DeviceChoice::Auto => match (Cuda::new(0), GpuEncoder::<Cuda>::check(sae)) {
                (Ok(machine), Ok(())) => (machine, 0),
                (Ok(_), Err(error)) => {
                    crate::cli::log::info(&format!("{error}: --device cpu"));
                    return Ok(Self::cpu(sae, compute));
                }
                (Err(_), _) => return Ok(Self::cpu(sae, compute)),
            },
            DeviceChoice::Cuda(number) => {
                GpuEncoder::<Cuda>::check(sae).map_err(|error| {
                    Error::from(SaeError::from(error)).context("--device cpu encodes it")
                })?;
                let machine = Cuda::new(number).map_err(|error| {
                    Error::usage(format!(
                        "no GPU of number {number}: {error}: say --device cpu to compute without"
                    ))
                })?;
                (machine, number)
            }
        };
        let encoder = GpuEncoder::new(machine, sae, compute).map_err(SaeError::from)?;
        Ok(Self::Gpu(Box::new(encoder), number))
    }

    /// Opens the device, which is the CPU: this build knows no other.
    #[cfg(not(feature = "cuda"))]
    pub(super) fn open(choice: DeviceChoice, sae: &'a Sae, compute: Operand) -> Result<Self> {
        match choice {
            DeviceChoice::Auto | DeviceChoice::Cpu => Ok(Self::cpu(sae, compute)),
            DeviceChoice::Cuda(_) => Err(Error::usage(
                "this build has no CUDA: build it with --features cuda, or say --device cpu",
            )),
        }
    }

    /// Its name, for the log.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Cpu(_) => "cpu".into(),
            #[cfg(feature = "cuda")]
            Self::Gpu(_, number) => format!("cuda:{number}"),
        }
    }

    /// Notes what products multiply.
    pub(super) fn note_compute(&self, context: &Context, compute: Operand) {
        match self {
            Self::Cpu(_) => compute::note(context, compute.name(), compute.split()),
            #[cfg(feature = "cuda")]
            Self::Gpu(..) => context.note_compute(compute.name(), &self.name()),
        }
    }

    /// Encodes activations `x` `[rows, d]` as they are in the table.
    pub(super) fn encode(&mut self, x: &[f32]) -> Result<Encoded<'_>, SaeError> {
        match self {
            Self::Cpu(encoder) => encoder.encode(x),
            #[cfg(feature = "cuda")]
            Self::Gpu(encoder, _) => encoder.encode(x),
        }
    }
}
