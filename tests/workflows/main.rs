//! The plain shell, Snakemake and Nextflow run the pipeline on the embedded example, and their
//! results are the same bytes. The two engines scatter the proteins over shards; the shell does not.
//! What a user may do with the workflows beside that is tried by scripts, one test each.

mod scripts;
#[path = "../support/skip.rs"]
mod skip;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Results that every way of running must give, byte for byte.
const RESULTS: [&str; 19] = [
    "concepts.json",
    "labels.arrow",
    "concepts_mqc.json",
    "split.tsv",
    "model/model.safetensors",
    "model/config.yaml",
    "model/concepts.json",
    "model/summary.json",
    "model/log.jsonl",
    "model/curve.html",
    "dictionary.json",
    "dictionary.tsv",
    "metrics.json",
    "protsae_mqc.json",
    "annotations.gff3",
    "annotations.tsv",
    "calls.gaf",
    "missing.tsv",
    "report.html",
];

/// The results of the plain shell, made once.
static PLAIN: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let output = run(Command::new(format!("{ROOT}/workflows/quickstart.sh"))
        .current_dir(dir.path())
        .arg("--outdir")
        .arg(dir.path()));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in [
        "annotations.gff3",
        "calls.gaf",
        "dictionary.tsv",
        "metrics.json",
        "missing.tsv",
        "report.html",
    ] {
        let path = dir.path().canonicalize().expect("it exists").join(name);
        assert!(
            said.contains(&path.display().to_string()),
            "the quickstart does not say where {name} is:\n{said}"
        );
    }
    dir
});

/// The folder of the executables under test.
fn executables() -> PathBuf {
    let embed = Path::new(env!("CARGO_BIN_EXE_protsae-embed"));
    embed.parent().expect("a file has a folder").to_path_buf()
}

/// `PATH` with the executables under test and the Python environment first.
fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [
        executables(),
        PathBuf::from(format!("{ROOT}/target/venv/bin")),
    ];
    env::join_paths(folders.into_iter().chain(env::split_paths(&path)))
        .expect("folders without a colon")
}

/// Runs a command with the executables under test, and demands success.
fn run(command: &mut Command) -> Output {
    let output = command
        .env("PATH", search_path())
        .env("PROTSAE_BIN", executables())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Compares the results in `dir`, whose names `name` gives, with those of the plain shell.
fn assert_same_bytes(dir: &Path, name: impl Fn(&str) -> String) {
    for result in RESULTS {
        let expected =
            fs::read(PLAIN.path().join(result)).unwrap_or_else(|e| panic!("{result}: {e}"));
        let path = dir.join(name(result));
        let got = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(!expected.is_empty(), "{result} is empty");
        assert!(
            got == expected,
            "{} differs from the plain shell's",
            path.display()
        );
    }
}

/// Nextflow: the one on PATH, else the launcher of the jars that `tests/run.sh` fetches.
fn nextflow_path() -> Option<PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join("nextflow"))
        .find(|path| path.is_file());
    let jars = Path::new(ROOT).join("target/nextflow/.fetched");
    on_path.or_else(|| {
        jars.is_file()
            .then(|| PathBuf::from(format!("{ROOT}/tests/nextflow/nextflow")))
    })
}

/// A run of the Nextflow pipeline, with the switch of topics where its version is old.
fn nextflow() -> Option<Command> {
    let Some(path) = nextflow_path() else {
        crate::skip::skipped(
            "no nextflow on PATH and no jars in target/nextflow; tests/run.sh fetches them where Java and Maven are installed",
        );
        return None;
    };
    let version = run(Command::new(&path).arg("-v"));
    let mut command = Command::new(path);
    command.args(["run", &format!("{ROOT}/workflows/nextflow")]);
    if String::from_utf8_lossy(&version.stdout).contains("version 24.") {
        command.args([
            "-c",
            &format!("{ROOT}/workflows/nextflow/conf/nextflow_24.config"),
        ]);
    }
    Some(command)
}

/// Name of a result in the Nextflow pipeline, in which one module writes all annotations.
fn of_nextflow(result: &str) -> String {
    result.replace("calls.", "annotations.")
}

/// Runs the Nextflow pipeline on the embedded example in a folder of its own.
fn run_nextflow(mut command: Command, arguments: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    run(command
        .current_dir(dir.path())
        .args(["-profile", "test", "--outdir", "results"])
        .args(arguments));
    dir
}

/// The steps that a Nextflow run took, by the trace it leaves: name of the process, once per task.
fn steps(dir: &Path) -> Vec<String> {
    let info = fs::read_dir(dir.join("results/pipeline_info")).expect("a folder");
    let trace = info
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.display().to_string().contains("/trace_"))
        .expect("a trace");
    let trace = fs::read_to_string(trace).expect("a trace");
    let mut lines = trace.lines();
    let header: Vec<_> = lines.next().expect("a header").split('\t').collect();
    let name = header
        .iter()
        .position(|&column| column == "name")
        .expect("a name");
    let mut steps: Vec<String> = lines
        .map(|line| line.split('\t').nth(name).expect("a full line"))
        .map(|task| {
            let process = task.split(' ').next().unwrap_or(task);
            let name = process.rsplit(':').next().unwrap_or(process);
            name.replace("PROTSAE_", "")
        })
        .collect();
    steps.sort();
    steps
}

/// Three shards, three formats, everything else once.
const STEPS: [&str; 18] = [
    "ANNOTATE",
    "ANNOTATE",
    "ANNOTATE",
    "CONCEPTS",
    "CRATE",
    "EMBED",
    "EMBED",
    "EMBED",
    "ENCODE",
    "ENCODE",
    "ENCODE",
    "EVALUATE",
    "INTERPRET",
    "MULTIQC",
    "REPORT",
    "SHARD",
    "SPLIT",
    "TRAIN",
];

#[test]
fn the_plain_shell_runs_from_any_folder_and_says_where_the_results_are() {
    for result in RESULTS {
        assert!(PLAIN.path().join(result).is_file(), "no {result}");
    }
}

#[test]
fn nextflow_gives_the_same_bytes() {
    let Some(command) = nextflow() else { return };
    let dir = run_nextflow(command, &[]);
    assert_eq!(steps(dir.path()), STEPS);
    assert_same_bytes(&dir.path().join("results"), |result| {
        format!("proteins.{}", of_nextflow(result))
    });
    let versions = fs::read_to_string(dir.path().join("results/pipeline_info/versions.yml"))
        .expect("versions");
    assert!(
        versions.contains(concat!("protsae-train: ", env!("CARGO_PKG_VERSION"))),
        "{versions}"
    );
}

#[test]
fn nextflow_stubs_make_every_file() {
    let Some(command) = nextflow() else { return };
    let dir = run_nextflow(command, &["-stub-run"]);
    assert_eq!(steps(dir.path()), STEPS);
    for result in RESULTS {
        let path = dir
            .path()
            .join(format!("results/proteins.{}", of_nextflow(result)));
        assert_eq!(fs::read(&path).ok(), Some(Vec::new()), "{}", path.display());
    }
}
