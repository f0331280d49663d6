//! Adam, fused over rows, with rows that had no gradient caught up with exactly.
//!
//! A row without a gradient still moves while its moments last. Its missed steps can be replayed
//! later, number for number. Such a step shrinks the row's update whenever the learning rate does
//! not grow (m decays faster than sqrt(v)), so once a step changed no weight, none that follows
//! without gradient will.

use crate::math::real::Real;

/// Decay of the first moment.
pub(crate) const BETA1: f64 = 0.9;
/// Decay of the second moment.
pub(crate) const BETA2: f64 = 0.999;
/// Added to the root of the second moment.
pub(crate) const EPSILON: f64 = 1e-8;

/// A step's learning rate and bias corrections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates<T> {
    /// Learning rate over the first moment's correction.
    pub step_size: T,
    /// 1 / root of the second moment's correction.
    pub inv_sqrt_bias2: T,
    /// Whether rows that no longer move may be left alone: the learning rate will not grow.
    pub lr_never_grows: bool,
}

impl<T: Real> Rates<T> {
    /// Of a step, from 1.
    #[must_use]
    pub(crate) fn new(step: u64, lr: f64, lr_never_grows: bool) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        Self {
            step_size: T::of(lr / correction(BETA1)),
            inv_sqrt_bias2: T::of(1.0 / correction(BETA2).sqrt()),
            lr_never_grows,
        }
    }
}

/// One step of a row (or of any parameters) with its gradient.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
pub(crate) fn update<T: Real>(
    w: &mut [T],
    m: &mut [T],
    v: &mut [T],
    gradient: &[T],
    rates: Rates<T>,
) {
    let (beta1, beta2) = (T::of(BETA1), T::of(BETA2));
    let (rest1, rest2) = (T::of(1.0 - BETA1), T::of(1.0 - BETA2));
    let epsilon = T::of(EPSILON);
    for (((w, m), v), &g) in w.iter_mut().zip(m).zip(v).zip(gradient) {
        *m = beta1 * *m + rest1 * g;
        *v = beta2 * *v + rest2 * (g * g);
        *w -= rates.step_size * *m / (v.sqrt() * rates.inv_sqrt_bias2 + epsilon);
    }
}

/// One step of a row without gradient; whether any weight changed.
///
/// The numbers are those of [`update`] with a gradient of 0.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
pub(crate) fn step_without_gradient<T: Real>(
    w: &mut [T],
    m: &mut [T],
    v: &mut [T],
    rates: Rates<T>,
) -> bool {
    let (beta1, beta2) = (T::of(BETA1), T::of(BETA2));
    let epsilon = T::of(EPSILON);
    let mut changed = false;
    for ((w, m), v) in w.iter_mut().zip(m).zip(v) {
        *m = beta1 * *m;
        *v = beta2 * *v;
        let moved = *w - rates.step_size * *m / (v.sqrt() * rates.inv_sqrt_bias2 + epsilon);
        changed |= moved != *w;
        *w = moved;
    }
    changed
}

/// Where a row is in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Steps of the history that the row has made.
    pub steps_applied: u32,
    /// Its weights no longer change without a gradient.
    pub converged: bool,
}

/// Makes the steps of `history` that a row has missed, all without gradient.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
pub(crate) fn catch_up<T: Real>(
    w: &mut [T],
    m: &mut [T],
    v: &mut [T],
    clock: &mut Clock,
    history: &[Rates<T>],
) {
    let (beta1, beta2) = (T::of(BETA1), T::of(BETA2));
    for &rates in &history[clock.steps_applied as usize..] {
        if clock.converged && rates.lr_never_grows {
            let mut decayed = false;
            for (m, v) in m.iter_mut().zip(&mut *v) {
                let next = (beta1 * *m, beta2 * *v);
                decayed |= next != (*m, *v);
                (*m, *v) = next;
            }
            if !decayed {
                // nor will they in any later step
                break;
            }
        } else {
            // a growing learning rate could move it again
            clock.converged = !step_without_gradient(w, m, v, rates) && rates.lr_never_grows;
        }
    }
    clock.steps_applied = history.len() as u32;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is replayed late equals what is done at once, to the last bit.
    #[test]
    fn replayed_steps_are_exact() {
        let gradient = [1e-3f32, -2.0, 0.5, 1e-9];
        let history: Vec<Rates<f32>> = (1..=3000).map(|s| Rates::new(s, 5e-4, true)).collect();
        let mut eager = ([0.1f32, 1.0, -3.0, 1e-4], [0.0f32; 4], [0.0f32; 4]);
        update(
            &mut eager.0,
            &mut eager.1,
            &mut eager.2,
            &gradient,
            history[0],
        );
        let mut late = eager;
        let mut clock = Clock {
            steps_applied: 1,
            converged: false,
        };
        for &rates in &history[1..] {
            update(&mut eager.0, &mut eager.1, &mut eager.2, &[0.0; 4], rates);
        }
        catch_up(&mut late.0, &mut late.1, &mut late.2, &mut clock, &history);
        assert_eq!(eager, late);
        assert!(clock.converged);
        assert_eq!(clock.steps_applied, 3000);
    }
}
