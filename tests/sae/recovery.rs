//! What is planted in activations comes back: dictionaries, concepts, and concepts below others.

use super::{
    synthetic::{self, Data, WIDTH},
    train::Bench,
};
use protsae::{
    annot::concept::Axioms,
    sae::{
        Sae,
        config::{Objective, Shape, Variant},
        encode::Encoder,
        params::Params,
        variants::Topk,
    },
    train::{cpu::Engine, data::batch::Batch},
};
use std::{fs, path::Path};

/// Area under the ROC curve, ties at half weight.
fn auroc(scores: &[f64], truth: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut rank, mut i) = (0.0, 0);
    while i < order.len() {
        let same = |&&j: &&usize| scores[j] == scores[order[i]];
        let ties = order[i..].iter().take_while(same).count();
        let mean = i as f64 + f64::midpoint(ties as f64, 1.0);
        let tied = order[i..i + ties].iter();
        rank += mean * tied.filter(|&&j| truth[j]).count() as f64;
        i += ties;
    }
    let positives = truth.iter().filter(|&&t| t).count() as f64;
    let negatives = truth.len() as f64 - positives;
    (rank - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

/// AUROC of a model's pi and z of each concept, and of the best latent, over held-out proteins.
pub(crate) fn scores(model: &Path, data: &Data) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let sae = Sae::load(model).unwrap();
    let m = sae.config.shape.defined;
    let n = sae.config.shape.latents;
    let mut encoder = Encoder::new(&sae);
    let (mut logits, mut z, mut truth) = (
        vec![vec![]; m],
        vec![vec![]; n],
        vec![vec![]; data.concepts],
    );
    for (number, (accession, x)) in data.proteins.iter().enumerate() {
        if number % 5 == 0 || number % 7 != 0 {
            continue;
        }
        let encoded = encoder.encode(x).unwrap();
        let of_protein: Vec<_> = data
            .labels
            .iter()
            .filter(|l| l.protein == *accession)
            .collect();
        for row in 0..encoded.rows {
            for (c, out) in logits.iter_mut().enumerate() {
                out.push(f64::from(encoded.logits[row * m + c]));
            }
            for out in &mut z {
                out.push(0.0);
            }
            let (latents, values) = encoded.z.row(row);
            for (&latent, &value) in latents.iter().zip(values) {
                *z[latent as usize].last_mut().unwrap() = f64::from(value);
            }
            for (c, out) in truth.iter_mut().enumerate() {
                let id = format!("SITE:c{c:02}");
                let position = Some(row as u32 + 1);
                out.push(
                    of_protein
                        .iter()
                        .any(|l| l.concept == id && l.start == position),
                );
            }
        }
    }
    let of = |scores: &[Vec<f64>]| -> Vec<f64> {
        scores
            .iter()
            .zip(&truth)
            .map(|(s, t)| auroc(s, t))
            .collect()
    };
    let best = truth
        .iter()
        .map(|t| z.iter().map(|s| auroc(s, t)).fold(0.0, f64::max))
        .collect();
    (of(&logits), of(&z[..m]), best)
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Largest cosine of each planted atom with a decoder row.
fn recovered(model: &Path, data: &Data) -> Vec<f64> {
    let sae = Sae::load(model).unwrap();
    let cosine = |atom: &[f64], row: &[f32]| {
        let dot: f64 = atom.iter().zip(row).map(|(a, &w)| a * f64::from(w)).sum();
        let length: f64 = row.iter().map(|&w| f64::from(w).powi(2)).sum();
        dot / length.sqrt().max(1e-12)
    };
    let rows = sae.params.dec.chunks_exact(WIDTH);
    let best = |atom: &Vec<f64>| {
        let rows = rows.clone();
        rows.map(|row| cosine(atom, row)).fold(0.0, f64::max)
    };
    data.atoms.iter().map(best).collect()
}

#[test]
fn planted_concepts_are_learned_and_beat_plain_topk() {
    let bench = Bench::of(synthetic::make(400));
    let settings = ["--split", "split.tsv", "--epochs", "12", "--lr", "0.003"];
    let settings = [&settings[..], &["--lr-epoch", "12"]].concat();
    bench.train(&["all.arrow"], "protsae", &settings);
    let topk = [&settings[..], &["--variant", "topk"]].concat();
    bench.train(&["all.arrow"], "topk", &topk);
    let (pi, z, _) = scores(&bench.path("protsae"), &bench.data);
    let (none, _, best) = scores(&bench.path("topk"), &bench.data);
    assert!(none.is_empty());
    assert!(mean(&pi) > 0.95, "pi {pi:?}");
    assert!(mean(&z) > 0.95, "z {z:?}");
    assert!(mean(&z) > mean(&best), "z {z:?}, best TopK latent {best:?}");
    // decoder rows of a model without concepts recover the dictionary
    let cosines = recovered(&bench.path("topk"), &bench.data);
    assert!(mean(&cosines) > 0.9, "{cosines:?}");
    // a fixed dictionary of means: its concepts' directions are near the atoms
    let splice = ["--split", "split.tsv", "--variant", "splice"];
    bench.train(&["all.arrow"], "splice", &splice);
    let (pi, z, _) = scores(&bench.path("splice"), &bench.data);
    assert!(mean(&pi) > 0.9 && mean(&z) > 0.9, "pi {pi:?} z {z:?}");
}

/// Concepts below others, where every atom of a child comes with its parent's.
#[test]
fn a_dictionary_with_hierarchy_is_recovered() {
    let data = synthetic::make_hierarchy(500);
    let concepts = synthetic::hierarchy_json();
    let bench = Bench::of(data);
    fs::write(bench.path("concepts.json"), concepts).unwrap();
    let settings = [
        "--concepts",
        "concepts.json",
        "--split",
        "split.tsv",
        "--epochs",
        "12",
        "--lr",
        "0.003",
        "--lr-epoch",
        "9",
        "--k",
        "4",
    ];
    bench.train(&["all.arrow"], "protsae", &settings);
    let topk = [&settings[..], &["--variant", "topk"]].concat();
    bench.train(&["all.arrow"], "topk", &topk);
    let cosines = recovered(&bench.path("protsae"), &bench.data);
    assert!(mean(&cosines) > 0.95, "{cosines:?}");
    // without labels, latents of children take their parents' directions up
    let plain = recovered(&bench.path("topk"), &bench.data);
    let of_concepts = |cosines: &[f64]| mean(&cosines[..bench.data.concepts]);
    assert!(
        of_concepts(&cosines) > of_concepts(&plain),
        "{cosines:?} {plain:?}"
    );
    let (pi, z, _) = scores(&bench.path("protsae"), &bench.data);
    let (_, _, best) = scores(&bench.path("topk"), &bench.data);
    assert!(mean(&pi) > 0.95, "pi {pi:?}");
    assert!(mean(&z) > 0.95, "z {z:?}");
    assert!(mean(&z) > mean(&best), "z {z:?}, best TopK latent {best:?}");
}

/// Latents that are too weak to be chosen come to life where the dead have a part in the loss.
#[test]
fn dead_latents_are_revived() {
    let data = synthetic::make(40);
    let rows: Vec<f32> = data.proteins.iter().flat_map(|p| p.1.clone()).collect();
    let batches: Vec<Batch<f32>> = rows
        .chunks(64 * WIDTH)
        .map(|x| {
            let mut batch = Batch::default();
            batch.clear();
            batch.x.extend_from_slice(x);
            (0..x.len() / WIDTH).for_each(|_| batch.end_row(false));
            batch
        })
        .collect();
    let dead = |aux_k: Option<usize>| {
        let shape = Shape {
            width: WIDTH,
            latents: 64,
            ..Shape::default()
        };
        let objective = Objective {
            variant: Variant::Topk(Topk { k: 4 }),
            aux_k,
            aux_weight: 0.25,
            dead_after: 640,
            ..Objective::default()
        };
        let mut params = Params::initial(shape, &objective, 1, 0.0, &[0.0; WIDTH]);
        for weight in &mut params.enc[16 * WIDTH..] {
            *weight *= 0.1;
        }
        let mut engine = Engine::new(params, objective, Vec::new(), &Axioms::default(), 0);
        let mut active = vec![0; shape.latents];
        for epoch in 0..60 {
            for batch in &batches {
                engine.step(batch, 3e-3, true);
                for (sum, rows) in active.iter_mut().zip(engine.activity()) {
                    *sum += if epoch == 59 { *rows } else { 0 };
                }
            }
        }
        active.iter().filter(|&&rows| rows == 0).count()
    };
    let (without, with) = (dead(None), dead(Some(32)));
    assert!(without >= 24 && with <= without / 2, "{without} {with}");
}
