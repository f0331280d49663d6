//! Which residues are masked.

use crate::fixture::{Fixture, PROTEINS, WIDTH, activations, table};
use std::fs;

#[test]
fn low_activation_takes_the_shortest_activations() {
    let lines = table("--latent 0 --positions low-activation --mask-ratio 0.25");
    for ((line, (id, sequence)), rows) in lines.iter().zip(PROTEINS).zip(activations()) {
        let norm = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
        let norms: Vec<f32> = rows.chunks(WIDTH).map(norm).collect();
        let mut order: Vec<usize> = (0..sequence.len()).collect();
        order.sort_by(|&a, &b| norms[a].total_cmp(&norms[b]));
        order.truncate(((sequence.len() + 2) / 4).max(1));
        order.sort_unstable();
        assert_eq!(line.get("protein"), id);
        assert_eq!(line.residues("masked"), order, "{id}");
    }
}

#[test]
fn random_masks_have_their_share_and_follow_seed_sample_and_concept() {
    let masks = |words: &str| -> Vec<Vec<usize>> {
        let lines = table(&format!("{words} --samples 2"));
        lines.iter().map(|line| line.residues("masked")).collect()
    };
    let base = masks("--latent 0");
    assert_eq!(base, masks("--latent 0 --scale 5"));
    for (mask, (id, sequence)) in base.chunks(2).zip(PROTEINS) {
        let want = ((3 * sequence.len() + 5) / 10).max(1);
        assert!(mask.iter().all(|mask| mask.len() == want), "{id}");
        assert!(sequence.len() < 9 || mask[0] != mask[1], "{id}");
    }
    assert_ne!(base, masks("--latent 0 --seed 1"));
    assert_ne!(base, masks("--latent 1"));
    // another round masks anew, and keeps what the first did
    let twice = masks("--latent 0 --rounds 2");
    let pairs = || base.iter().zip(&twice);
    assert!(pairs().all(|(one, two)| one.iter().all(|residue| two.contains(residue))));
    assert!(pairs().any(|(one, two)| one.len() < two.len()));
    assert!(masks("--latent 0 --mask-ratio 1")[0].len() == PROTEINS[0].1.len());
}

#[test]
fn a_file_says_what_is_masked() {
    let fixture = Fixture::get();
    let text = "protein\tstart\tend\nA2\t3\t5\nA2\t9\t9\nA4\t1\t60\nA9\t1\t1\n";
    fs::write(fixture.path("positions.tsv"), text).unwrap();
    let lines = table("--latent 0 --positions @positions.tsv");
    let got: Vec<_> = lines
        .iter()
        .map(|l| (l.get("protein"), l.get("masked")))
        .collect();
    assert_eq!(got, [("A2", "3-5,9"), ("A4", "1-60")]);
}

#[test]
fn windows_fill_in_all_that_is_masked_and_short_proteins_know_none() {
    let words = "--concept residue:K --scale 4 --mask-ratio 1 --decode sample";
    let (whole, windows) = (
        table(words),
        table(&format!("{words} --max-length 64 --overlap 30")),
    );
    for ((a, b), (id, sequence)) in whole.iter().zip(&windows).zip(PROTEINS) {
        assert_eq!(b.residues("masked").len(), sequence.len());
        let all = b.get("generated");
        assert!(
            all.len() == sequence.len() && !all.contains(['X', '?']),
            "{id}: {all}"
        );
        if sequence.len() <= 64 {
            for column in ["generated", "score_after", "log_likelihood_before"] {
                assert_eq!(a.get(column), b.get(column), "{id} {column}");
            }
        } else {
            // the same residues, read with less around them
            let difference = a.number("log_likelihood_before") - b.number("log_likelihood_before");
            assert!(difference.abs() < 0.3, "{difference}");
            let difference = a.number("score_before") - b.number("score_before");
            assert!(difference.abs() < 0.1, "{difference}");
        }
    }
}
