//! What is refused, with which status, and in which words.

use crate::fixture::{Fixture, command, plm, run, sae, table, write_model};
use std::fs;

fn refused(words: &str, status: i32, said: &[&str]) {
    let output = run(words);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{words}: {stderr}");
    assert!(output.stdout.is_empty(), "{words}");
    for text in said {
        assert!(stderr.contains(text), "{words}: {stderr}");
    }
}

#[test]
fn usage_names_what_is_wrong() {
    refused("", 2, &["--concept"]);
    refused(
        "--concept residue:X",
        2,
        &["none of the 3", "near: residue:K"],
    );
    refused("--latent 260", 2, &["latent 260", "has 260"]);
    refused("--concept residue:K --concept residue:K", 2, &["twice"]);
    refused("--latent 0 --motif A-b", 2, &["element 'b'", "PROSITE"]);
    refused("--latent 0 --temperature 2", 2, &["--decode sample"]);
    refused(
        "--latent 0 --decode sample --temperature 0",
        2,
        &["above 0"],
    );
    refused("--latent 0 --scale 1,1", 2, &["given twice"]);
    refused("--latent 0 --ablate --scale 1", 2, &["--ablate"]);
    refused("--latent 0 --overlap 900", 2, &["overlap"]);
}

#[test]
fn positions_and_scores_are_held_against_the_proteins() {
    let fixture = Fixture::get();
    fs::write(fixture.path("far.tsv"), "A1\t1\t2\nA3\t2\t3\n").unwrap();
    refused(
        "--latent 0 --positions @far.tsv",
        1,
        &["far.tsv", "line 2", "A3", "2 residues"],
    );
    refused("--latent 0 --positions @far.tsv --dry-run", 1, &["line 2"]);
    refused("--latent 0 --positions @none.tsv", 1, &["none.tsv"]);
    fs::write(
        fixture.path("scores.tsv"),
        "id\tplddt\nA1_steered_latent0_s0.2_1\t81.25\n",
    )
    .unwrap();
    let lines = table("--latent 0 --scores @scores.tsv");
    assert_eq!(
        (lines[0].get("plddt"), lines[0].get("tm_score")),
        ("81.25", "")
    );
    assert_eq!(lines[1].get("plddt"), "");
    fs::write(fixture.path("bad.tsv"), "id\tplddt\nA1\tx\n").unwrap();
    refused("--latent 0 --scores @bad.tsv", 1, &["bad.tsv", "line 2"]);
}

#[test]
fn another_plm_layer_or_width_is_a_mismatch() {
    let fixture = Fixture::get();
    let mut other = sae();
    let identity = other.config.plm.as_mut().unwrap();
    identity.sha256 = "0".repeat(64);
    write_model(&fixture.path("other"), &other);
    let with = |model: &str, status: i32, said: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_protsae-steer"));
        command.args(["--latent", "0", "-m"]).arg(plm());
        command.arg("--sae").arg(fixture.path(model));
        let output = command
            .arg("-i")
            .arg(fixture.path("all.fasta"))
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{model}: {stderr}");
        assert!(
            said.iter().all(|text| stderr.contains(text)),
            "{model}: {stderr}"
        );
    };
    with("other", 3, &["sha256", &"0".repeat(64), "mini_esm2"]);
    let mut deep = sae();
    deep.config.plm.as_mut().unwrap().layer = 9;
    write_model(&fixture.path("deep"), &deep);
    with("deep", 3, &["layer 9"]);
    let mut nameless = sae();
    nameless.config.plm = None;
    write_model(&fixture.path("nameless"), &nameless);
    with("nameless", 2, &["which PLM"]);
}

#[test]
fn changes_that_leave_no_numbers_are_an_error() {
    refused(
        "--latent 0 --mode relative-token --scale 3e38",
        1,
        &["token 1", "behind the autoencoder"],
    );
}

#[test]
fn a_dry_run_says_what_would_be_made() {
    let output = command(
        Fixture::get(),
        "all.fasta",
        "--concept GO:0000002 --controls all --scale 1,2 --dry-run",
    )
    .output()
    .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(said.contains("GO:0000002: latents 1, 2"), "{said}");
    assert!(
        said.contains("output: 40 sequences, 8 of each protein"),
        "{said}"
    );
}
