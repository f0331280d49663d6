//! The parts that training and encoding spend their time in.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protsae::{
    annot::concept::Axioms,
    math::{
        product::{panels, weights_by_panels},
        random::{Purpose, normal, stream},
        simd::LANES,
        topk::Selector,
    },
    sae::{
        config::{Objective, Shape, Variant},
        params::Params,
    },
    train::{cpu::Engine, data::batch::Batch},
    wide,
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
    let mut of_rows = Vec::new();
    group.throughput(Throughput::Elements(2 * (ROWS * WIDTH * LATENTS) as u64));
    group.bench_function("encoder product, one thread", |b| {
        b.iter(|| {
            panels(&x, WIDTH, &mut of_rows);
            // the encoder's own pieces, which stay in cache
            let blocks = of_rows.chunks(128 * WIDTH);
            for (block, out) in blocks.zip(out.chunks_mut(128 * LATENTS)) {
                let tiles = w.chunks(128 * WIDTH).zip(out.chunks_mut(128 * 128));
                for (w, out) in tiles {
                    weights_by_panels(w, WIDTH, block, black_box(out));
                }
            }
        });
    });
    group.throughput(Throughput::Elements((LANES * LATENTS) as u64));
    let panel = values(LANES * LATENTS);
    let mut selector = Selector::default();
    group.bench_function("TopK of 32 rows", |b| {
        b.iter(|| {
            selector.reset(LANES, K, 0.0);
            wide!(|| {
                for (latent, values) in (0..).zip(panel.as_chunks().0) {
                    selector.offer(0, latent, values);
                }
            });
            (0..LANES)
                .map(|row| selector.finish(row).len())
                .sum::<usize>()
        });
    });
    let shape = Shape {
        width: WIDTH,
        latents: LATENTS,
        defined: 200,
        ..Shape::default()
    };
    let objective = Objective {
        variant: Variant::default().with_k(K),
        ..Objective::default()
    };
    let params = Params::initial(shape, &objective, 0, -3.0, &[0.0; WIDTH]);
    let mut engine = Engine::new(params, objective, vec![1.0; 200], &Axioms::default(), 0);
    let mut batch = Batch::default();
    batch.clear();
    batch.x = x.into();
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
