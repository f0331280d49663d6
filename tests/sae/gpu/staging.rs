//! Batches that were sent ahead, and batches that come instead; batches that fit no model.

use super::{LR, Pair, SHAPE, batch, objective};
use crate::machines::on_machines;
use protsae::train::{
    data::batch::Batch,
    gpu::{GpuBackend, GpuEngine, GpuError, Operand, ResidentRows},
};

on_machines!(
    another_batch_than_was_sent_keeps_its_own_rows,
    a_batch_that_was_changed_since_is_another_one,
    a_batch_that_was_measured_first_is_still_itself,
    batches_that_do_not_fit_are_refused,
);

fn engine<M: GpuBackend + Clone>(machine: &M) -> GpuEngine<M> {
    Pair::new(machine.clone(), SHAPE, &objective(), Operand::F32).gpu
}

/// The same steps with other batches, or none, announced before each: the same model.
fn compare<M: GpuBackend + Clone>(machine: &M, steps: &[(&Batch<f32>, Option<&Batch<f32>>)]) {
    let (mut announced, mut plain) = (engine(machine), engine(machine));
    for (batch, next) in steps {
        let got = announced.step(batch, *next, LR).unwrap();
        assert_eq!(got, plain.step(batch, None, LR).unwrap());
    }
    assert!(announced.params().unwrap() == plain.params().unwrap());
}

fn another_batch_than_was_sent_keeps_its_own_rows<M: GpuBackend + Clone>(machine: &M) {
    // of the same size, so that nothing but the numbers differs
    let [a, b, c] = [20, 21, 22].map(|seed| batch(SHAPE, 24, seed));
    compare(
        machine,
        &[
            (&a, Some(&b)),
            (&c, Some(&a)),
            (&b, None),
            (&b, Some(&c)),
            (&c, None),
        ],
    );
    // sent, not taken, and taken two steps later; a copy is as good
    let copy = b.clone();
    compare(
        machine,
        &[(&a, Some(&b)), (&c, None), (&b, Some(&copy)), (&copy, None)],
    );
}

fn a_batch_that_was_changed_since_is_another_one<M: GpuBackend + Clone>(machine: &M) {
    let (a, mut b) = (batch(SHAPE, 24, 20), batch(SHAPE, 24, 21));
    let (mut announced, mut plain) = (engine(machine), engine(machine));
    announced.step(&a, Some(&b), LR).unwrap();
    plain.step(&a, None, LR).unwrap();
    // as where its memory went round
    let other = batch(SHAPE, 24, 22);
    b.x.clear();
    b.x.extend_from_slice(&other.x);
    let got = announced.step(&b, None, LR).unwrap();
    assert_eq!(got, plain.step(&b, None, LR).unwrap());
    b.x[0] += 1.0;
    let got = announced.evaluate(&b).unwrap();
    assert_eq!(got, plain.evaluate(&b).unwrap());
}

fn a_batch_that_was_measured_first_is_still_itself<M: GpuBackend + Clone>(machine: &M) {
    let [a, b] = [20, 21].map(|seed| batch(SHAPE, 24, seed));
    let (mut announced, mut plain) = (engine(machine), engine(machine));
    announced.step(&a, Some(&b), LR).unwrap();
    plain.step(&a, None, LR).unwrap();
    for batch in [&b, &a, &b] {
        assert_eq!(
            announced.evaluate(batch).unwrap(),
            plain.evaluate(batch).unwrap()
        );
    }
    let got = announced.step(&b, Some(&a), LR).unwrap();
    assert_eq!(got, plain.step(&b, None, LR).unwrap());
    assert!(announced.params().unwrap() == plain.params().unwrap());
}

fn batches_that_do_not_fit_are_refused<M: GpuBackend + Clone>(machine: &M) {
    let whole = batch(SHAPE, 12, 20);
    let changed = |change: fn(&mut Batch<f32>)| {
        let mut batch = whole.clone();
        change(&mut batch);
        batch
    };
    let bad = [
        changed(|b| b.x.truncate(1)),
        changed(|b| b.x.clear()),
        changed(|b| b.groups.truncate(1)),
        changed(|b| b.offsets.truncate(1)),
        changed(|b| b.offsets[1] = usize::MAX),
        changed(|b| b.labels.push(0)),
        changed(|b| b.labels[0] = SHAPE.defined as u32),
        changed(|b| b.held = vec![0; 12]),
    ];
    let mut engine = engine(machine);
    for batch in &bad {
        for result in [engine.step(batch, None, LR), engine.evaluate(batch)] {
            assert!(matches!(result, Err(GpuError::Batch(_))), "{result:?}");
        }
    }
    let mut rows = whole.x.chunks_exact(SHAPE.width);
    let mut fill = |x: &mut Vec<f32>| -> Result<bool, GpuError> {
        let row = rows.next();
        x.extend(row.into_iter().flatten());
        Ok(row.is_some())
    };
    let held = ResidentRows::new(machine, (12, SHAPE.width), false, 1.0, &mut fill).unwrap();
    engine.hold(held.into());
    for (places, fits) in [
        (vec![11; 12], true),
        (vec![12; 12], false),
        (vec![0; 11], false),
    ] {
        let mut batch = whole.clone();
        batch.held = places;
        assert_eq!(engine.evaluate(&batch).is_ok(), fits);
    }
}
