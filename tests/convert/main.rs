//! `protsae-convert`: every family's checkpoint gives the numbers of its formula, what is open is
//! asked for, and what is written is what other libraries load. Activations go in and out, too.

mod activations;
mod biohub;
mod families;
mod layouts;
mod misfit;
mod pipeline;
mod refusals;
#[path = "../support/skip.rs"]
mod skip;
mod wrappers;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A file or folder of `test_data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("test_data")
        .join(name)
}

/// A checkpoint of `test_data/checkpoints`.
pub(crate) fn checkpoint(name: &str) -> PathBuf {
    data("checkpoints").join(name)
}

/// Runs an executable, which must succeed; what it writes to standard output.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs protsae-convert.
pub(crate) fn convert(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_protsae-convert"))
        .args(arguments)
        .env_clear()
        .output()
        .expect("it starts")
}

/// Runs protsae-convert, which must succeed; what it says.
pub(crate) fn converted(arguments: &[&str]) -> String {
    let output = convert(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    stderr
}

/// Runs protsae-convert, which must fail with this status; what it says.
pub(crate) fn refused(arguments: &[&str], status: i32) -> String {
    let output = convert(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {stderr}"
    );
    stderr
}

/// Text of a path.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
