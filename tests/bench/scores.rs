//! Counting how well latents agree with concepts, on the sizes of `concept_f1.py`.

use criterion::{Criterion, criterion_group, criterion_main};
use protsae::{
    annot::label_index::LabelRange,
    math::random::{Purpose, below, shuffle, stream, unit},
    score::{
        alignment::{THRESHOLDS, count},
        relevance::{Relevance, Task},
        sheet::{ResidueRow, Sheet},
    },
};
use rayon::prelude::*;
use std::hint::black_box;

const RESIDUES: u32 = 50_000;
const LATENTS: usize = 10_240;
const CONCEPTS: u32 = 100;
const INSTANCES: u32 = 50;
const LENGTH: u32 = 20;
const ACTIVE: usize = 64;

/// Latents and concepts at random.
fn sheet() -> Sheet {
    let mut random = stream(0, Purpose::Rows, 0);
    let mut labels = Vec::new();
    for concept in 0..CONCEPTS {
        for instance in 1..=INSTANCES {
            let start = 1 + below(&mut random, u64::from(RESIDUES - LENGTH)) as u32;
            labels.push(LabelRange {
                concept,
                instance,
                start,
                end: start + LENGTH - 1,
            });
        }
    }
    let mut order: Vec<u32> = (0..LATENTS as u32).collect();
    let rows: Vec<(Vec<u32>, Vec<f32>)> = (0..RESIDUES)
        .map(|_| {
            shuffle(&mut random, &mut order[..2 * ACTIVE]);
            let from = below(&mut random, (LATENTS - ACTIVE) as u64) as usize;
            let mut latents = order[from..from + ACTIVE].to_vec();
            latents.sort_unstable();
            let values = latents.iter().map(|_| unit(&mut random) as f32).collect();
            (latents, values)
        })
        .collect();
    let rows = (1..)
        .zip(&rows)
        .map(|(position, (latents, values))| ResidueRow {
            position,
            latents,
            values,
        });
    let mut sheet = Sheet::new(LATENTS, CONCEPTS as usize);
    sheet.add_residues(&labels, |_| true, rows);
    sheet
}

fn scores(c: &mut Criterion) {
    let mut group = c.benchmark_group("scores");
    group.sample_size(10);
    let sheet = sheet();
    group.bench_function("counts of all pairs", |b| {
        b.iter(|| {
            let latents = (0..LATENTS).into_par_iter();
            let marked = latents.map(|latent| {
                let counts = count(black_box(&sheet), latent, 1.0);
                counts.overlap(0, THRESHOLDS.len() - 1).marked
            });
            marked.sum::<usize>()
        });
    });
    group.bench_function("F1 and areas of all pairs, chosen and reported", |b| {
        let counted = [true; CONCEPTS as usize];
        let task = Task {
            choosing: &sheet,
            reporting: &sheet,
            counted: &counted,
            related: &|_, _| false,
        };
        let maxima = vec![1.0; LATENTS];
        b.iter(|| Relevance::new(black_box(&task), 0..LATENTS, &maxima).means(&counted));
    });
    group.finish();
}

criterion_group!(benches, scores);
criterion_main!(benches);
