//! With CUDA, makes PTX of the GPU's kernels; else there is nothing to do.

use std::{
    env,
    path::Path,
    process::{Command, exit},
};

const SOURCE: &str = "src/train/gpu/kernels.cu";
/// The oldest cards whose tensor cores multiply bf16. The driver compiles for the card that is there.
const ARCHITECTURE: &str = "-arch=compute_80";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=src/train/gpu/kernels");
    println!("cargo::rerun-if-env-changed=NVCC");
    let nvcc = env::var_os("NVCC").unwrap_or_else(|| "nvcc".into());
    let folder = env::var_os("OUT_DIR").expect("cargo sets it");
    let output = Command::new(&nvcc)
        .args(["-ptx", "-O3", "-std=c++17", ARCHITECTURE, SOURCE, "-o"])
        .arg(Path::new(&folder).join("kernels.ptx"))
        .output();
    let message = match output {
        Ok(output) if output.status.success() => return,
        Ok(output) => format!(
            "{} does not compile {SOURCE}:\n{}",
            nvcc.display(),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => format!(
            "{} does not run: {error}. The feature `cuda` needs the CUDA toolkit: put its nvcc into PATH, or \
             name it in NVCC",
            nvcc.display()
        ),
    };
    // each line, so that cargo shows all of it
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    exit(1);
}
