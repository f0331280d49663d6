//! A sequence's numbers depend on nothing but the sequence.

use crate::support::{batch, load, load_split, mini, places, rows, sequence};
use protsae::{
    math::matrix_unit::Split,
    plm::{
        batch::Batch,
        encoder::Model,
        place::{Edit, Place, Replacement},
    },
    table::metadata::Site,
};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Mixed lengths, so that sequences begin at every lane and panels hold several.
fn sequences() -> Vec<String> {
    [1, 2, 31, 7, 300, 32, 33, 1022, 64, 5, 129, 30]
        .into_iter()
        .enumerate()
        .map(|(i, length)| sequence(length, i))
        .collect()
}

fn alone(model: &Model, sequence: &str, places: &[Place]) -> Vec<Vec<u32>> {
    let batch = batch(model, &[sequence]);
    let activations = model.forward(&batch, places, None);
    (0..places.len())
        .map(|p| bits(&rows(&activations, p, &batch, 0)))
        .collect()
}

#[test]
fn batch_order_and_threads_change_no_bit() {
    independent_of_batch_and_threads(&load(&mini()));
}

#[test]
fn batch_order_and_threads_change_no_bit_of_split_numbers() {
    for split in Split::ALL {
        independent_of_batch_and_threads(&load_split(&mini(), Some(split)));
    }
}

fn independent_of_batch_and_threads(model: &Model) {
    let places = places(model.architecture());
    let sequences = sequences();
    let want: Vec<_> = sequences.iter().map(|s| alone(model, s, &places)).collect();
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool");
        for reverse in [false, true] {
            let mut order: Vec<usize> = (0..sequences.len()).collect();
            if reverse {
                order.reverse();
            }
            let chosen: Vec<&str> = order.iter().map(|&i| sequences[i].as_str()).collect();
            let batch = batch(model, &chosen);
            let activations = pool.install(|| model.forward(&batch, &places, None));
            for (s, &i) in order.iter().enumerate() {
                for (p, place) in places.iter().enumerate() {
                    let got = bits(&rows(&activations, p, &batch, s));
                    assert_eq!(
                        got, want[i][p],
                        "sequence {i} at {place}, {threads} threads"
                    );
                }
            }
        }
    }
}

#[test]
fn asking_for_fewer_places_changes_no_bit() {
    let model = load(&mini());
    let all = places(model.architecture());
    let text = sequence(77, 3);
    let together = alone(&model, &text, &all);
    for (place, want) in all.iter().zip(&together) {
        assert_eq!(&alone(&model, &text, &[*place])[0], want, "{place}");
    }
}

#[test]
fn an_edit_that_changes_nothing_changes_no_bit() {
    let model = load(&mini());
    let batch = batch(&model, &[&sequence(40, 1), &sequence(9, 2)]);
    let same = |_: &[usize], _: &mut [f32]| {};
    let want = model.logits(&batch, None);
    for place in places(model.architecture()) {
        let got = model.logits(&batch, Some(Replacement { place, edit: &same }));
        for token in 0..batch.tokens().len() {
            assert_eq!(bits(got.row(token)), bits(want.row(token)), "{place}");
        }
    }
}

#[test]
fn an_edit_sees_each_residue_once_and_reaches_the_logits() {
    let model = load(&mini());
    let batch = batch(&model, &[&sequence(40, 1), &sequence(9, 2)]);
    let residues: Vec<usize> = (0..2).flat_map(|s| batch.residues(s)).collect();
    let plain = model.logits(&batch, None);
    for place in places(model.architecture()) {
        let read = model.forward(&batch, &[place], None);
        let width = read.width();
        let seen = std::sync::Mutex::new(Vec::new());
        let zero = |tokens: &[usize], rows: &mut [f32]| {
            for (&token, row) in tokens.iter().zip(rows.chunks_exact_mut(width)) {
                let mut want = vec![0.0; width];
                read.rows(0, token..token + 1, &mut want);
                assert_eq!(bits(row), bits(&want), "{place}");
                row.fill(0.0);
            }
            seen.lock().expect("no panic").extend_from_slice(tokens);
        };
        let edit: &dyn Edit = &zero;
        let changed = model.logits(&batch, Some(Replacement { place, edit }));
        let mut seen = seen.into_inner().expect("no panic");
        seen.sort_unstable();
        assert_eq!(seen, residues, "{place}");
        assert_ne!(
            bits(changed.row(residues[0])),
            bits(plain.row(residues[0])),
            "{place}"
        );
    }
}

#[test]
fn masked_tokens_are_scaled_as_in_training() {
    let model = load(&mini());
    let vocabulary = model.vocabulary();
    let mut tokens = Vec::new();
    let residues = vocabulary.encode(b"MAA", &mut tokens);
    tokens[2..4].fill(vocabulary.mask().expect("a token of masked residues"));
    let mut masked = Batch::new();
    masked.push_tokens(&tokens, residues);
    let place = Place::new(Site::Residual, 0, model.architecture()).expect("the embeddings");
    let got = rows(&model.forward(&masked, &[place], None), 0, &masked, 0);
    let plain = batch(&model, &["M"]);
    let base = rows(&model.forward(&plain, &[place], None), 0, &plain, 0);
    let width = base.len();
    for (g, b) in got[..width].iter().zip(&base) {
        // 3 of 5 tokens are seen: 0.88 / 0.6 instead of 0.88
        assert!((g - b / 0.6).abs() <= 1e-6 * b.abs().max(1e-3), "{g} {b}");
    }
    assert!(got[width..].iter().all(|&v| v.abs() < f32::MIN_POSITIVE));
}

#[test]
fn log_likelihoods_are_logarithms_of_probabilities() {
    let model = load(&mini());
    let batch = batch(&model, &["MKTAYIAKQR"]);
    let logits = model.logits(&batch, None);
    for token in batch.residues(0) {
        let total: f64 = (0..model.vocabulary().len() as u32)
            .map(|id| logits.log_probability(token, id).exp())
            .sum();
        assert!((total - 1.0).abs() < 1e-9);
    }
    assert!(logits.log_likelihood(&batch, 0) < 0.0);
}
