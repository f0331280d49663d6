//! Errors of products on their way through many blocks.

use crate::{
    folder::{serialize, tensors, with_weights},
    support::{batch, load_split, places, relative_error, rows, sequence},
};
use protsae::math::matrix_unit::Split;
use std::{collections::BTreeMap, fs};

/// Blocks of the largest ESM-2 that is in common use.
const LAYERS: usize = 33;
/// What the names of a block's tensors begin with.
const BLOCKS: &str = "encoder.layer.";

/// Number of a tensor's block, and what follows it in its name.
fn block(name: &str) -> Option<(usize, &str)> {
    let (_, rest) = name.split_once(BLOCKS)?;
    let (number, part) = rest.split_once('.')?;
    Some((number.parse().ok()?, part))
}

#[test]
fn errors_of_split_numbers_stay_small_through_33_blocks() {
    let embedded = tensors();
    let own = 1 + embedded
        .keys()
        .filter_map(|n| Some(block(n)?.0))
        .max()
        .expect("blocks");
    let mut deep: BTreeMap<_, _> = embedded
        .clone()
        .into_iter()
        .filter(|(n, _)| block(n).is_none())
        .collect();
    for layer in 0..LAYERS {
        for (name, tensor) in &embedded {
            if let Some((number, part)) = block(name)
                && number == layer % own
            {
                let (before, _) = name.split_once(BLOCKS).expect("a block's tensor");
                deep.insert(format!("{before}{BLOCKS}{layer}.{part}"), tensor.clone());
            }
        }
    }
    let (_dir, path) = with_weights(&serialize(&deep));
    let config = path.join("config.json");
    let text = fs::read_to_string(&config).expect("a configuration");
    let deeper = text.replace(
        "\"num_hidden_layers\": 6",
        &format!("\"num_hidden_layers\": {LAYERS}"),
    );
    assert_ne!(text, deeper);
    fs::write(&config, deeper).expect("a configuration");
    let read = |split| {
        let model = load_split(&path, split);
        let batch = batch(&model, &[&sequence(90, 1), &sequence(41, 2)]);
        let places = places(model.architecture());
        let activations = model.forward(&batch, &places, None);
        let of_place = |p| rows(&activations, p, &batch, 0);
        (0..places.len()).map(of_place).collect::<Vec<_>>()
    };
    let want = read(None);
    assert!(want.len() > 3 * LAYERS);
    for (split, tolerance) in [
        (Split::Bf16x6, 1e-5),
        (Split::Bf16x3, 4e-5),
        (Split::Bf16, 2e-2),
    ] {
        for (place, (got, want)) in read(Some(split)).iter().zip(&want).enumerate() {
            let error = relative_error(got, want);
            assert!(error < tolerance, "{split:?}, place {place}: {error:e}");
        }
    }
}
