//! The parts that training and encoding spend their time in.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protsae::{
    annot::concept::Axioms,
    sae::{
        Engine,
        batch::Batch,
        config::{Objective, Shape},
        params::Params,
        product::{Matrix, multiply},
        random::{Purpose, normal, stream},
        topk::Selector,
        vector::wide,
    },
};
use std::hint::black_box;

const ROWS: usize = 512;
const WIDTH: usize = 320;
const LATENTS: usize = 4096;
const K: usize = 32;

fn values(count: usize) -> Vec<f32> {
    let mut rng = stream(0, Purpose::Weights, 9);
    (0..count).map(|_| normal(&mut rng) as f32).collect()
}

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernels");
    let (x, w) = (values(ROWS * WIDTH), values(LATENTS * WIDTH));
    let mut out = vec![0.0; ROWS * LATENTS];
    group.throughput(Throughput::Elements(2 * (ROWS * WIDTH * LATENTS) as u64));
    group.bench_function("encoder product, one thread", |b| {
        b.iter(|| {
            multiply(
                Matrix::new(&x, ROWS, WIDTH, WIDTH),
                Matrix::new(&w, LATENTS, WIDTH, WIDTH).transpose(),
                black_box(&mut out),
                LATENTS,
            );
        });
    });
    group.throughput(Throughput::Elements(LATENTS as u64));
    let row = values(LATENTS);
    let mut selector = Selector::default();
    group.bench_function("TopK of a row", |b| {
        b.iter(|| {
            selector.reset(K, 0.0);
            wide(|| selector.offer(0, LATENTS, |i| row[i]));
            black_box(selector.finish().len())
        });
    });
    let shape = Shape {
        width: WIDTH,
        latents: LATENTS,
        defined: 200,
        ..Shape::default()
    };
    let objective = Objective {
        k: K,
        ..Objective::default()
    };
    let params = Params::initial(shape, &objective, 0, -3.0, &[0.0; WIDTH]);
    let mut engine = Engine::new(params, objective, vec![1.0; 200], &Axioms::default(), 0);
    let mut batch = Batch::default();
    batch.clear();
    batch.x = x;
    for row in 0..ROWS as u32 {
        batch.labels.push(row % 200);
        batch.end_row(true);
    }
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("training step, rows", |b| {
        b.iter(|| engine.step(&batch, 1e-4, true).total);
    });
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
