//! The annotation loss: binary cross-entropy of the predictor, with weighted positives.

use crate::math::real::Real;

/// Sums and products that go on side by side.
const LANES: usize = 16;

/// Factors up to 2 of each lane: the product of all lanes' is certain to be finite.
const FACTORS: usize = 60;

/// e to the power of -|x|, which both the loss and its gradient are made of.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn tail<T: Real>(x: T) -> T {
    (-x.abs()).exp_of_negative()
}

/// ln(1 + e^x): the loss of a negative. What `ln_1p` would be more exact by is below 1e-16, and it
/// takes several times as long.
fn softplus<T: Real>(x: T) -> f64 {
    x.larger(T::ZERO).f64() + (1.0 + tail(x).f64()).ln()
}

/// Replaces a row's logits by their gradients times `factor`, and returns the row's loss, summed
/// over concepts.
///
/// `labels` are the row's concepts (ascending or not, each once), `weights` those of positives.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
pub(crate) fn row<T: Real>(logits: &mut [T], labels: &[u32], weights: &[T], factor: T) -> f64 {
    let mut loss = 0.0;
    for &concept in labels {
        let c = concept as usize;
        let x = logits[c];
        // the loop below counts every concept as a negative
        let softplus = softplus(x);
        loss += weights[c].f64() * (softplus - x.f64()) - softplus;
    }
    // positives' gradients need the logit, which the loop overwrites
    for block in logits.chunks_mut(LANES * FACTORS) {
        // a sum of logarithms of 1 + e is the logarithm of a product
        let mut positive = [0.0; LANES];
        let mut product = [1.0; LANES];
        let mut one = |x: &mut T, lane: usize| {
            let e = tail(*x);
            let large = T::ONE / (T::ONE + e);
            positive[lane] += x.larger(T::ZERO).f64();
            product[lane] *= 1.0 + e.f64();
            *x = if *x < T::ZERO { e * large } else { large } * factor;
        };
        let (blocks, rest) = block.as_chunks_mut::<LANES>();
        for block in blocks {
            for (lane, x) in block.iter_mut().enumerate() {
                one(x, lane);
            }
        }
        for (lane, x) in rest.iter_mut().enumerate() {
            one(x, lane);
        }
        let product: f64 = product.iter().product();
        loss += positive.iter().sum::<f64>() + product.ln();
    }
    for &concept in labels {
        let c = concept as usize;
        // w (p - 1), from p times factor
        logits[c] = weights[c] * (logits[c] - factor);
    }
    loss
}

/// As [`row`], for a row whose labels speak of the concepts of some groups only: the others, whose
/// bit is not in `spoken`, take no part.
pub(crate) fn partial_row<T: Real>(
    logits: &mut [T],
    labels: &[u32],
    weights: &[T],
    factor: T,
    (groups, spoken): (&[u8], u64),
) -> f64 {
    let silent = |&(_, &group): &(usize, &u8)| spoken >> group & 1 == 0;
    let mut left_out = 0.0;
    for (concept, _) in groups.iter().enumerate().filter(silent) {
        left_out += softplus(logits[concept]);
    }
    let loss = row(logits, labels, weights, factor);
    for (concept, _) in groups.iter().enumerate().filter(silent) {
        logits[concept] = T::ZERO;
    }
    loss - left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_gradient_of_a_row() {
        let logits = [0.3f64, -1.2, 40.0, -40.0];
        let weights = [3.0, 2.0, 1.0, 1.0];
        let labels = [0, 3];
        let loss = |x: &[f64; 4]| -> f64 {
            let mut sum = 0.0;
            for c in 0..4 {
                let p = 1.0 / (1.0 + (-x[c]).exp());
                sum -= if labels.contains(&(c as u32)) {
                    weights[c] * p.ln()
                } else if c == 2 {
                    // 1 - p is not exact here
                    -40.0
                } else {
                    (1.0 - p).ln()
                };
            }
            sum
        };
        let mut gradient = logits;
        let got = row(&mut gradient, &labels, &weights, 0.5);
        assert!((got - loss(&logits)).abs() < 1e-12);
        for c in [0, 1] {
            let h = 1e-6;
            let (mut up, mut down) = (logits, logits);
            up[c] += h;
            down[c] -= h;
            let want = 0.5 * (loss(&up) - loss(&down)) / (2.0 * h);
            assert!((gradient[c] - want).abs() < 1e-8);
        }
        assert!((gradient[2] - 0.5).abs() < 1e-12);
        assert!((gradient[3] + 0.5).abs() < 1e-12);
    }

    #[test]
    fn silent_groups_take_no_part() {
        let logits = [0.3f64, -1.2, 2.0, 0.1];
        let weights = [3.0, 2.0, 1.0, 1.0];
        let mut all = logits;
        let whole = row(&mut all, &[0], &weights, 1.0);
        let mut part = logits;
        let spoken = (&[0, 1, 1, 0][..], 0b01);
        let loss = partial_row(&mut part, &[0], &weights, 1.0, spoken);
        assert_eq!(part, [all[0], 0.0, 0.0, all[3]]);
        let missing: f64 = [-1.2f64, 2.0].iter().map(|x| x.exp().ln_1p()).sum();
        assert!((whole - missing - loss).abs() < 1e-12);
    }
}
