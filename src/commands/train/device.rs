//! Where models are trained.

use crate::{
    Error, Result,
    cli::{args::DeviceChoice, log},
    sae::SaeError,
    train::{
        device::{Device, HAS_GPU},
        driver::Task,
    },
};

/// Opens the device that was chosen; `auto` takes a GPU that is there and can train all of this.
pub(super) fn open(choice: DeviceChoice, tasks: &[Task<'_>]) -> Result<Device> {
    let can = || -> Result<(), SaeError> {
        for task in tasks {
            Device::check_gpu(&task.objective, &task.training)?;
        }
        Ok(())
    };
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto if !HAS_GPU => Ok(Device::Cpu),
        DeviceChoice::Auto => match Device::gpu(0) {
            Err(_) => Ok(Device::Cpu),
            Ok(device) => match can() {
                Ok(()) => Ok(device),
                Err(error) => {
                    log::info(&format!("{error}: --device cpu"));
                    Ok(Device::Cpu)
                }
            },
        },
        DeviceChoice::Cuda(number) => {
            let hint = |error: SaeError| Error::from(error).context("--device cpu trains it");
            can().map_err(hint)?;
            Device::gpu(number).map_err(|error| hint(error.into()))
        }
    }
}
