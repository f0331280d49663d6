//! Where models are trained.

use crate::{
    Result,
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
                    log::info(&error.to_string());
                    Ok(Device::Cpu)
                }
            },
        },
        DeviceChoice::Cuda(number) => {
            can()?;
            Ok(Device::gpu(number).map_err(SaeError::from)?)
        }
    }
}
