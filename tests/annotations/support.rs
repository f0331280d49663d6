//! What the tests of this binary share.

use protsae::annot::{
    AnnotError,
    collect::{Collector, InputReport, Settings},
    format,
};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The embedded example.
pub(crate) const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/example");

/// A file of the reference data, or none where it is not at hand.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    crate::shared::shared(&format!("data/{path}"))
}

/// A reader of a file, decompressed by its suffix.
pub(crate) fn open(path: &Path) -> Box<dyn BufRead> {
    let file = File::open(path).unwrap();
    if path.extension().is_some_and(|e| e == "gz") {
        Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    }
}

pub(crate) fn text(path: &Path) -> String {
    let mut text = String::new();
    open(path).read_to_string(&mut text).unwrap();
    text
}

/// Reads one file with the given settings.
pub(crate) fn read(
    path: &Path,
    settings: Settings,
) -> Result<(Collector, InputReport), AnnotError> {
    let mut collector = Collector::new(settings);
    format::read(open(path), None, "test", &mut collector)?;
    let report = collector.reports[0].clone();
    Ok((collector, report))
}

pub(crate) fn skipping() -> Settings {
    Settings {
        skip_bad: true,
        ..Settings::default()
    }
}

/// Runs an executable.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> Output {
    let path = match tool {
        "protsae-concepts" => env!("CARGO_BIN_EXE_protsae-concepts"),
        "protsae-split" => env!("CARGO_BIN_EXE_protsae-split"),
        _ => unreachable!("no such tool"),
    };
    Command::new(path).args(arguments).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
