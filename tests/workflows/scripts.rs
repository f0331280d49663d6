//! Scripts that use the workflows and packages as people do. Exit status 77 says that what they need is not there.

use crate::{PLAIN, ROOT, executables, nextflow_path, search_path, skip::skipped};
use std::{ffi::OsString, path::PathBuf, process::Command};

/// Exit status of a script that cannot run here.
const SKIPPED: i32 = 77;

/// Runs a script of `tests/` and demands that what it tries holds.
fn holds(script: &str) {
    let mut command = Command::new(format!("{ROOT}/tests/{script}"));
    command
        .env("PATH", search_path())
        .env("ROOT", ROOT)
        .env("PLAIN", PLAIN.path())
        .env("PROTSAE_BIN", executables())
        .env("VENVS", format!("{ROOT}/target"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(path) = nextflow_path() {
        command.env("NEXTFLOW", path);
    }
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{script}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(SKIPPED) {
        let reason = said.trim_end().lines().last().unwrap_or("");
        let reason = reason.strip_prefix("skipped: ").unwrap_or(reason);
        skipped(format!("{script}: {reason}"));
        return;
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{script}: {}\n{said}\n{errors}",
        output.status
    );
    println!("{said}");
}

macro_rules! scripts {
    ($($name:ident: $path:literal,)*) => {
        $(#[test]
        fn $name() {
            holds($path);
        })*
    };
}

scripts! {
    nextflow_checks_parameters: "workflows/nextflow/parameters.py",
    nextflow_runs_several_proteomes_and_a_model_that_exists: "workflows/nextflow/samples.py",
    nextflow_trains_one_model_over_all_proteomes: "workflows/nextflow/one_model.py",
    nextflow_fails_and_goes_on_as_it_should: "workflows/nextflow/failures.py",
    nextflow_profiles_switch_software_on: "workflows/nextflow/profiles.py",
    nextflow_modules_are_as_nf_core_wants_them: "workflows/nextflow/lint.sh",
    snakemake_gives_the_same_bytes: "workflows/snakemake.sh",
    snakemake_runs_several_proteomes_and_a_model_that_exists: "workflows/snakemake_samples.sh",
    snakemake_fails_and_goes_on_as_it_should: "workflows/snakemake_failures.sh",
    a_cluster_runs_both_engines: "workflows/slurm.sh",
    recipes_give_what_they_show: "workflows/recipes.py",
    cwl_gives_the_same_bytes: "workflows/cwl.sh",
    galaxy_wrappers_are_sound_and_run: "workflows/galaxy.sh",
    galaxy_itself_runs_the_wrappers: "workflows/galaxy_server.sh",
    container_runs_read_only_as_any_user: "packaging/container.sh",
    conda_package_is_built_solved_and_installed: "packaging/conda.py",
    wheel_is_installed_into_a_fresh_environment: "packaging/wheel.sh",
    citation_is_valid: "packaging/citation.sh",
    gpu_check_gives_the_right_verdict: "bench/gpu/verdict.sh",
}

/// Files below a folder with one of these endings.
fn files_below(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Newer versions of Nextflow have this parser alone. It warns of `when`, which nf-core demands of modules.
#[test]
fn nextflow_files_are_read_by_the_strict_parser() {
    let jars = format!("{ROOT}/target/nextflow-strict");
    if !PathBuf::from(&jars).join(".fetched").is_file() {
        skipped(
            "no jars of the strict parser in target/nextflow-strict; tests/run.sh fetches them where Java and Maven are installed",
        );
        return;
    }
    let files = files_below(&format!("{ROOT}/workflows/nextflow"), &[".nf", ".config"]);
    // for old versions alone; and the settings of nf-test, which are none of Nextflow's
    let others = ["nextflow_24.config", "nf-test.config"].map(OsString::from);
    let files = files
        .iter()
        .filter(|path| !others.iter().any(|name| path.file_name() == Some(name)));
    let output = Command::new("java")
        .args(["-cp", &format!("{jars}/lib/*")])
        .arg(format!("{ROOT}/tests/nextflow/strict/StrictParser.java"))
        .args(files)
        .output()
        .expect("java runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "warning: Process `when` section will not be supported in a future version";
    let found: Vec<&str> = said
        .lines()
        .filter(|line| !line.contains(expected))
        .collect();
    // the line of totals alone
    assert_eq!(
        found.len(),
        1,
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(found[0].contains("files, "), "{said}");
}
