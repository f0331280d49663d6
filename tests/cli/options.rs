//! Configuration files, and options that decide the output.

use crate::{
    arguments,
    fixture::{Fixture, run, succeed},
};
use std::fs;

fn annotate(more: &[String]) -> Vec<u8> {
    let fixture = Fixture::get();
    let mut all = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "-o",
        "-"
    ];
    all.extend_from_slice(more);
    succeed("protsae-annotate", &all).stdout
}

#[test]
fn a_configuration_file_gives_options_and_the_command_line_wins() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("annotate.yaml");
    fs::write(&config, "format: tsv\nlatents: all\nmin-run: 2\n").unwrap();
    let from_file = annotate(&arguments!["--config", config]);
    let typed = annotate(&arguments![
        "--format",
        "tsv",
        "--latents",
        "all",
        "--min-run",
        "2"
    ]);
    assert!(from_file == typed && typed.starts_with(b"protein\tstart"));
    let bed = annotate(&arguments!["--config", config, "--format", "bed"]);
    assert!(bed != typed && !bed.is_empty());
    fs::write(&config, "no-such-option: 1\n").unwrap();
    let fixture = Fixture::get();
    let all = arguments![
        "-i",
        fixture.path("proteins.features.arrow"),
        "-m",
        fixture.path("model"),
        "--config",
        config
    ];
    let output = run("protsae-annotate", &all);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-option"));
}

#[test]
fn the_printed_configuration_is_one_that_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let printed = annotate(&arguments![
        "--format",
        "tsv",
        "--threshold",
        "0.3",
        "--print-config"
    ]);
    assert!(String::from_utf8_lossy(&printed).contains("threshold: 0.3"));
    let config = folder.path().join("c.yaml");
    fs::write(&config, &printed).unwrap();
    let again = succeed("protsae-annotate", &arguments!["--config", config]).stdout;
    assert!(again == annotate(&arguments!["--format", "tsv", "--threshold", "0.3"]));
}

#[test]
fn thresholds_runs_and_gaps_decide_the_ranges() {
    let lines = |more: &[String]| {
        let mut all = arguments!["--format", "tsv", "--latents", "all"];
        all.extend_from_slice(more);
        String::from_utf8(annotate(&all)).unwrap().lines().count()
    };
    let all = lines(&arguments!["--threshold", "0"]);
    assert!(lines(&arguments!["--threshold", "0.5"]) < all);
    assert!(lines(&arguments!["--threshold", "0", "--min-run", "3"]) < all);
    assert!(lines(&arguments!["--threshold", "0", "--max-gap", "2"]) < all);
    assert_ne!(lines(&arguments!["--by", "probability"]), all);
}

#[test]
fn a_gpu_that_is_not_there_is_refused_before_any_output() {
    let fixture = Fixture::get();
    let folder = tempfile::tempdir().unwrap();
    let features = folder.path().join("features.arrow");
    let encode = |device: &str| {
        let all = arguments![
            "-i",
            fixture.path("proteins.activations.arrow"),
            "-m",
            fixture.path("model"),
            "--device",
            device,
            "-o",
            features
        ];
        run("protsae-encode", &all)
    };
    let output = encode("cuda:99");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--device cpu"), "{said}");
    assert!(!features.exists());
    assert_eq!(encode("cpu").status.code(), Some(0));
    assert!(features.exists());
}
