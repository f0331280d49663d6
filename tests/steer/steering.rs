//! What steering does, beside its controls.

use crate::fixture::{Line, PROTEINS, SILENT, of_arm, outputs, table};

/// Lysines among generated residues.
fn lysines(lines: &[&Line]) -> usize {
    let of = |line: &&Line| line.get("generated").matches('K').count();
    lines.iter().map(of).sum()
}

fn mean(lines: &[&Line], column: &str) -> f64 {
    lines.iter().map(|line| line.number(column)).sum::<f64>() / lines.len() as f64
}

#[test]
fn a_larger_scale_brings_more_of_the_concept_and_less_of_it_takes_it_away() {
    let words = "--concept residue:K --scale=-60,-0,20,60 --controls unsteered --samples 4 --mask-ratio 0.5";
    let lines = table(words);
    let at = |scale: &str| -> Vec<&Line> {
        let own = lines.iter().filter(|line| line.get("scale") == scale);
        own.filter(|line| line.get("arm") == "steered").collect()
    };
    let counts = ["-60", "0", "20", "60"].map(|scale| lysines(&at(scale)));
    let scores = ["-60", "0", "20", "60"].map(|scale| mean(&at(scale), "score_after"));
    assert!(counts[3] > 2 * counts[1], "{counts:?}");
    assert!(counts.is_sorted_by(|a, b| a < b), "{counts:?}");
    assert!(scores.is_sorted_by(|a, b| a < b), "{scores:?}");
    // the scale 0 is the control
    let plain = of_arm(&lines, "unsteered");
    assert_eq!(counts[1], lysines(&plain));
    assert!((scores[1] - mean(&plain, "score_after")).abs() < 1e-9);
}

#[test]
fn ablation_lowers_the_concept() {
    let words = "--concept residue:K --ablate --controls unsteered --samples 8 --decode sample --temperature 0.7";
    let lines = table(words);
    let (ablated, plain) = (of_arm(&lines, "ablated"), of_arm(&lines, "unsteered"));
    assert!(
        lysines(&ablated) < lysines(&plain),
        "{} of {}",
        lysines(&ablated),
        lysines(&plain)
    );
    assert!(mean(&ablated, "score_after") < mean(&plain, "score_after"));
    assert!(
        ablated
            .iter()
            .all(|l| l.get("scale").is_empty() && l.get("mode").is_empty())
    );
}

#[test]
fn all_controls_have_the_masks_of_the_steered_arm() {
    let lines = table("--concept residue:K --scale 9 --controls all --samples 2 --rounds 2");
    let steered = of_arm(&lines, "steered");
    assert_eq!(steered.len(), 2 * PROTEINS.len());
    for arm in ["unsteered", "plain", "random", "unrelated"] {
        let other = of_arm(&lines, arm);
        assert_eq!(other.len(), steered.len(), "{arm}");
        for (a, b) in steered.iter().zip(other) {
            assert_eq!(a.get("masked"), b.get("masked"), "{arm}");
            assert_eq!(a.get("protein"), b.get("protein"));
        }
    }
    // an autoencoder that is exact changes nothing, nor does a latent that is not decoded
    for arm in ["unsteered", "unrelated"] {
        for (a, b) in of_arm(&lines, "plain").iter().zip(of_arm(&lines, arm)) {
            assert_eq!(a.get("generated"), b.get("generated"), "{arm}");
        }
    }
    assert!(
        of_arm(&lines, "unrelated")
            .iter()
            .all(|l| ["1,2", "2"].contains(&l.get("latents")))
    );
    let random = of_arm(&lines, "random");
    assert!(random.iter().all(|l| l.number("latents") >= 3.0));
}

#[test]
fn ancestors_are_steered_too_unless_they_are_not_wanted() {
    let own = |words: &str| {
        let lines = table(&format!("--concept {SILENT} {words}"));
        lines[0].get("latents").to_owned()
    };
    assert_eq!(own(""), "1,2");
    assert_eq!(own("--no-ancestors"), "1");
}

#[test]
fn bytes_depend_on_neither_threads_nor_batches_nor_shards() {
    let words = "--concept residue:K --latent 7 --scale 3,9 --mode relative-token --controls all --samples 2 --rounds 2 \
                 --decode sample --max-length 60 --overlap 20";
    let want = outputs("all.fasta", words);
    for more in ["-t 1", "-t 3", "--batch-tokens 1", "--batch-tokens 100000"] {
        let got = outputs("all.fasta", &format!("{words} {more}"));
        assert!(got == want, "{more}");
    }
    let [first, last] = ["first.fasta", "last.fasta"].map(|name| outputs(name, words));
    assert!([&first[0][..], &last[0]].concat() == want[0]);
    let header = last[1].iter().position(|&b| b == b'\n').unwrap() + 1;
    assert!([&first[1][..], &last[1][header..]].concat() == want[1]);
}

#[test]
fn a_table_is_what_it_claims_to_be() {
    let words = "--concept residue:K --latent 200 --scale=-1,9 --controls all --motif K --rounds 2";
    let [_, table] = outputs("all.fasta", words);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steered.tsv");
    std::fs::write(&path, table).unwrap();
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_protsae-schema"));
    let output = check.arg("check").arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    // five proteins, two goals, and three arms of two scales beside two of none
    assert!(
        said.contains("table of steered sequences of 80 rows"),
        "{said}"
    );
}

#[test]
fn a_table_is_consistent_with_itself() {
    let lines =
        table("--concept residue:K --scale 9 --samples 3 --decode sample --motif K --seed 5");
    let mut distinct = std::collections::BTreeSet::new();
    for line in &lines {
        let (original, generated) = (line.get("original"), line.get("generated"));
        let pairs = original.bytes().zip(generated.bytes()).enumerate();
        let changed: Vec<usize> = pairs.filter(|(_, (a, b))| a != b).map(|(i, _)| i).collect();
        assert_eq!(line.residues("changed"), changed);
        let masked = line.residues("masked");
        assert!(changed.iter().all(|residue| masked.contains(residue)));
        let identity = 1.0 - changed.len() as f64 / original.len() as f64;
        assert!((line.number("identity") - identity).abs() < 1e-4);
        assert_eq!(
            line.number("motif_before"),
            original.matches('K').count() as f64
        );
        assert_eq!(
            line.number("motif_after"),
            generated.matches('K').count() as f64
        );
        assert!(
            generated
                .bytes()
                .all(|b| b"ACDEFGHIKLMNPQRSTVWY".contains(&b))
        );
        assert!(line.number("score_after") <= line.number("score_max_after") + 1e-6);
        distinct.insert((line.get("protein"), line.get("masked"), generated));
    }
    assert!(distinct.len() > 10, "samples differ: {}", distinct.len());
}
