//! A small run of the whole pipeline by the executables themselves, made once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};
use tempfile::TempDir;

/// Proteins of the embedded example that the fixture takes.
const PROTEINS: usize = 24;

/// The path of an executable.
pub(crate) fn executable(tool: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap();
    let path = folder.join(tool);
    assert!(path.is_file(), "{} is not built", path.display());
    path
}

/// A command with nothing in its environment and a HOME that does not exist.
pub(crate) fn command(tool: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(executable(tool));
    command.args(arguments).env_clear();
    command.env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

/// Runs an executable.
pub(crate) fn run(tool: &str, arguments: &[String]) -> Output {
    command(tool, arguments).output().unwrap()
}

/// Runs an executable that must succeed.
pub(crate) fn succeed(tool: &str, arguments: &[String]) -> Output {
    let output = run(tool, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {}\n{stderr}",
        output.status
    );
    output
}

/// Arguments from text and paths.
#[macro_export]
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => {
        vec![$(std::path::Path::new(&$argument).to_str().unwrap().to_owned()),*]
    };
}

/// The files of the run.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// A file of the run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The run, made on first use.
    pub(crate) fn get() -> &'static Self {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        FIXTURE.get_or_init(make)
    }
}

/// A file of the embedded example.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("test_data/example")
        .join(name)
}

/// The PLM of the embedded example.
pub(crate) fn plm() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test_data/mini_esm2")
}

fn make() -> Fixture {
    let fixture = Fixture {
        folder: tempfile::tempdir().unwrap(),
    };
    let path = |name: &str| fixture.path(name);
    let text = fs::read_to_string(example("proteins.fasta")).unwrap();
    let records: Vec<String> = text.split('>').skip(1).map(|r| format!(">{r}")).collect();
    let records = &records[..PROTEINS];
    fs::write(path("proteins.fasta"), records.concat()).unwrap();
    for (shard, half) in records.chunks(PROTEINS / 2).enumerate() {
        fs::write(path(&format!("shard{shard}.fasta")), half.concat()).unwrap();
    }
    fs::write(path("empty.fasta"), "").unwrap();
    for shard in ["proteins", "shard0", "shard1", "empty"] {
        let embed = arguments![
            "-i",
            path(&format!("{shard}.fasta")),
            "-m",
            plm(),
            "--layer",
            "3",
            "-o",
            path(&format!("{shard}.activations.arrow"))
        ];
        succeed("protsae-embed", &embed);
    }
    let concepts = arguments![
        "--ontology",
        example("go_mini.obo"),
        "--annotations",
        example("annotations.gaf"),
        "--annotations",
        example("features.csv"),
        "--sequences",
        path("proteins.fasta"),
        "--min-count",
        "2",
        "--concepts",
        path("concepts.json"),
        "-o",
        path("labels.arrow")
    ];
    succeed("protsae-concepts", &concepts);
    let split = arguments![
        "--labels",
        path("labels.arrow"),
        "--sequences",
        path("proteins.fasta"),
        "--fractions",
        "0.5,0.25,0.25",
        "-o",
        path("split.tsv")
    ];
    succeed("protsae-split", &split);
    let mut train = arguments![
        "-i",
        path("proteins.activations.arrow"),
        "-o",
        path("model"),
        "--provenance",
        path("train.provenance.json")
    ];
    train.extend(training(&fixture));
    succeed("protsae-train", &train);
    for shard in ["proteins", "shard0", "shard1", "empty"] {
        let encode = arguments![
            "-i",
            path(&format!("{shard}.activations.arrow")),
            "-m",
            path("model"),
            "-o",
            path(&format!("{shard}.features.arrow"))
        ];
        succeed("protsae-encode", &encode);
    }
    fixture
}

/// The options of a short training.
pub(crate) fn training(fixture: &Fixture) -> Vec<String> {
    arguments![
        "--labels",
        fixture.path("labels.arrow"),
        "--concepts",
        fixture.path("concepts.json"),
        "--split",
        fixture.path("split.tsv"),
        "--latents",
        "96",
        "--k",
        "8",
        "--epochs",
        "2",
        "--batch",
        "64"
    ]
}
