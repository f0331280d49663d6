//! Logistic regression of many concepts at once, one against the rest, with a penalty on the squared weights.
//!
//! Features are centred and scaled by their training rows. All concepts take Nesterov's steps together, each product of
//! matrices serving all of them; the step is that of the loss's largest curvature, so that nothing is tuned.

use crate::math::product::{Matrix, multiply};
use rayon::prelude::*;

/// Strengths of the penalty that are tried, strongest first: each begins where the one before ended.
pub const PENALTIES: [f32; 2] = [0.1, 0.01];
/// Steps at most: those that are left out would change what few rows say, as a stronger penalty does.
const STEPS: usize = 100;
/// Steps of Newton's method for one feature, at most.
const NEWTON_STEPS: usize = 300;
/// A concept's steps end where no part of its gradient is larger.
const TOLERANCE: f32 = 1e-3;
/// Products with the matrix of second moments that find its largest eigenvalue.
const POWER_STEPS: usize = 30;
/// The largest eigenvalue is found from below.
const MARGIN: f32 = 1.1;

/// Features, `rows x width`, and where they come to lie: (x - mean) / deviation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaling {
    mean: Vec<f32>,
    /// 0 where a feature never changes, which then says nothing.
    factor: Vec<f32>,
}

impl Scaling {
    /// That of `rows x width` features.
    #[must_use]
    pub fn of(features: &[f32], width: usize) -> Self {
        let rows = features.chunks_exact(width.max(1));
        let n = rows.len().max(1) as f64;
        let (mut sum, mut squares) = (vec![0.0_f64; width], vec![0.0_f64; width]);
        for row in rows.clone() {
            for (s, &x) in sum.iter_mut().zip(row) {
                *s += f64::from(x);
            }
        }
        let mean: Vec<f64> = sum.iter().map(|s| s / n).collect();
        for row in rows {
            for ((s, &x), m) in squares.iter_mut().zip(row).zip(&mean) {
                *s += (f64::from(x) - m).powi(2);
            }
        }
        let factor = |s: &f64| {
            if *s > 0.0 {
                (s / n).sqrt().recip() as f32
            } else {
                0.0
            }
        };
        Self {
            factor: squares.iter().map(factor).collect(),
            mean: mean.iter().map(|&m| m as f32).collect(),
        }
    }

    /// Scales `rows x width` features in place.
    pub fn apply(&self, features: &mut [f32]) {
        for row in features.chunks_exact_mut(self.mean.len().max(1)) {
            for ((x, mean), factor) in row.iter_mut().zip(&self.mean).zip(&self.factor) {
                *x = (*x - mean) * factor;
            }
        }
    }
}

/// Weights of concepts on scaled features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logistic {
    /// `concepts x width`.
    pub weights: Vec<f32>,
    /// One a concept.
    pub biases: Vec<f32>,
    width: usize,
}

impl Logistic {
    /// A model of no weights whose biases are the log-odds of the concepts' shares.
    fn prior(width: usize, targets: &Targets<'_>) -> Self {
        let n = targets.rows as f32;
        let bias = |rows: &Vec<u32>| {
            let positives = rows.len() as f32 + 0.5;
            (positives / (n - rows.len() as f32 + 0.5)).ln()
        };
        Self {
            weights: vec![0.0; targets.positives.len() * width],
            biases: targets.positives.iter().map(bias).collect(),
            width,
        }
    }

    /// Log-odds of concepts, `rows x concepts`, for scaled features.
    #[must_use]
    pub fn logits(&self, features: &[f32]) -> Vec<f32> {
        let (concepts, rows) = (self.biases.len(), features.len() / self.width.max(1));
        let mut out = vec![0.0; rows * concepts];
        let weights = Matrix::new(&self.weights, concepts, self.width, self.width);
        let features = Matrix::new(features, rows, self.width, self.width);
        multiply(features, weights.transpose(), &mut out, concepts);
        out.par_chunks_exact_mut(concepts.max(1)).for_each(|row| {
            for (logit, bias) in row.iter_mut().zip(&self.biases) {
                *logit += bias;
            }
        });
        out
    }
}

/// A concept's weights on features as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Unscaled {
    /// Features whose weights count, ascending.
    pub features: Vec<u32>,
    /// Their weights.
    pub weights: Vec<f64>,
    /// The log-odds where all features are 0.
    pub bias: f64,
}

impl Logistic {
    /// A concept's weights on features as they are: those of at least a share of the largest, by feature, and the bias.
    #[must_use]
    pub fn unscaled(&self, concept: usize, scaling: &Scaling, least_share: f32) -> Unscaled {
        let own = &self.weights[concept * self.width..(concept + 1) * self.width];
        let largest = own.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
        let (mut features, mut weights) = (Vec::new(), Vec::new());
        let mut bias = f64::from(self.biases[concept]);
        for (feature, &weight) in own.iter().enumerate() {
            let factor = scaling.factor[feature];
            if factor > 0.0 && weight.abs() >= least_share * largest && weight != 0.0 {
                let weight = f64::from(weight) * f64::from(factor);
                bias -= weight * f64::from(scaling.mean[feature]);
                features.push(feature as u32);
                weights.push(weight);
            }
        }
        Unscaled {
            features,
            weights,
            bias,
        }
    }
}

/// Which rows have which concept.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// Rows.
    pub rows: usize,
    /// Rows of each concept, ascending.
    pub positives: &'a [Vec<u32>],
}

/// Fits weights to scaled features for each penalty of [`PENALTIES`].
#[must_use]
pub fn fit(features: &[f32], width: usize, targets: Targets<'_>) -> Vec<Logistic> {
    let curvature = 0.25 * MARGIN * largest_eigenvalue(features, width).max(1.0);
    let mut model = Logistic::prior(width, &targets);
    let fitted = PENALTIES.iter().map(|&penalty| {
        descend(&mut model, features, targets, penalty, curvature);
        model.clone()
    });
    fitted.collect()
}

/// Nesterov's descent for strongly convex losses: constant momentum.
fn descend(
    model: &mut Logistic,
    features: &[f32],
    targets: Targets<'_>,
    penalty: f32,
    curvature: f32,
) {
    let (width, concepts) = (model.width, model.biases.len());
    let step = (curvature + penalty).recip();
    let root = (penalty * step).sqrt();
    let momentum = (1.0 - root) / (1.0 + root);
    let mut before = model.clone();
    let mut gradient = vec![0.0; concepts * width];
    for _ in 0..STEPS {
        let mut ahead = model.clone();
        let push = |new: &mut [f32], old: &[f32]| {
            for (x, &o) in new.iter_mut().zip(old) {
                *x += momentum * (*x - o);
            }
        };
        push(&mut ahead.weights, &before.weights);
        push(&mut ahead.biases, &before.biases);
        before = model.clone();
        let mut errors = ahead.logits(features);
        errors
            .par_iter_mut()
            .for_each(|x| *x = (1.0 + (-*x).exp()).recip());
        for (concept, rows) in targets.positives.iter().enumerate() {
            for &row in rows {
                errors[row as usize * concepts + concept] -= 1.0;
            }
        }
        let n = targets.rows.max(1) as f32;
        let error = Matrix::new(&errors, targets.rows, concepts, concepts);
        let rows = Matrix::new(features, targets.rows, width, width);
        multiply(error.transpose(), rows, &mut gradient, width);
        let mut largest = 0.0_f32;
        for (concept, (weights, slopes)) in (ahead.weights.chunks_exact_mut(width.max(1)))
            .zip(gradient.chunks_exact(width.max(1)))
            .enumerate()
        {
            for (w, slope) in weights.iter_mut().zip(slopes) {
                let slope = slope / n + penalty * *w;
                largest = largest.max(slope.abs());
                *w -= step * slope;
            }
            let sum: f32 = errors.iter().skip(concept).step_by(concepts.max(1)).sum();
            // the bias has no penalty
            ahead.biases[concept] -= step * sum / n;
        }
        *model = ahead;
        if largest < TOLERANCE {
            break;
        }
    }
}

/// The largest eigenvalue of the second moments of features, by powers from a fixed start.
fn largest_eigenvalue(features: &[f32], width: usize) -> f32 {
    let rows = features.len() / width.max(1);
    let mut vector: Vec<f32> = (0..width).map(|i| 1.0 + (i % 7) as f32 / 7.0).collect();
    let mut value = 0.0;
    for _ in 0..POWER_STEPS {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length == 0.0 || rows == 0 {
            return 0.0;
        }
        for x in &mut vector {
            *x /= length;
        }
        let (mut image, mut next) = (vec![0.0; rows], vec![0.0; width]);
        let x = Matrix::new(features, rows, width, width);
        multiply(x, Matrix::new(&vector, width, 1, 1), &mut image, 1);
        multiply(x.transpose(), Matrix::new(&image, rows, 1, 1), &mut next, 1);
        for x in &mut next {
            *x /= rows as f32;
        }
        value = next.iter().zip(&vector).map(|(a, b)| a * b).sum();
        vector = next;
    }
    value
}

/// Mean log loss of each concept, for log-odds `rows x concepts`.
#[must_use]
pub fn losses(logits: &[f32], targets: Targets<'_>) -> Vec<f64> {
    let concepts = targets.positives.len();
    let mut sums = vec![0.0_f64; concepts];
    for row in logits.chunks_exact(concepts.max(1)) {
        for (sum, &logit) in sums.iter_mut().zip(row) {
            // ln(1 + e^x) without overflow
            let x = f64::from(logit);
            *sum += x.max(0.0) + (-x.abs()).exp().ln_1p();
        }
    }
    for (concept, rows) in targets.positives.iter().enumerate() {
        for &row in rows {
            sums[concept] -= f64::from(logits[row as usize * concepts + concept]);
        }
    }
    let n = targets.rows.max(1) as f64;
    sums.into_iter().map(|sum| sum / n).collect()
}

/// For each concept the weights of the penalty with the least loss on other rows, the strongest of equals.
#[must_use]
pub fn choose(models: &[Logistic], features: &[f32], targets: Targets<'_>) -> Logistic {
    let mut chosen = models.first().cloned().unwrap_or_default();
    let Some(first) = models.first() else {
        return chosen;
    };
    let width = chosen.width;
    let mut least = losses(&first.logits(features), targets);
    for model in &models[1..] {
        let own = losses(&model.logits(features), targets);
        for (concept, (loss, least)) in own.into_iter().zip(&mut least).enumerate() {
            if loss < *least {
                *least = loss;
                let range = concept * width..(concept + 1) * width;
                chosen.weights[range.clone()].copy_from_slice(&model.weights[range]);
                chosen.biases[concept] = model.biases[concept];
            }
        }
    }
    chosen
}

/// The log-odds of one concept on one feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// What they grow by with the feature.
    pub slope: f64,
    /// What they are where it is 0.
    pub intercept: f64,
}

/// Fits the log-odds of one concept on one feature, by Newton's method; targets are smoothed as in Platt
/// (1999), so that both are finite.
#[must_use]
pub fn line(values: &[f32], positive: &[bool]) -> Line {
    let positives = positive.iter().filter(|&&p| p).count() as f64;
    let negatives = positive.len() as f64 - positives;
    let target = |p: bool| {
        if p {
            (positives + 1.0) / (positives + 2.0)
        } else {
            1.0 / (negatives + 2.0)
        }
    };
    let (mut slope, mut intercept) = (0.0, ((positives + 1.0) / (negatives + 1.0)).ln());
    for _ in 0..NEWTON_STEPS {
        let (mut g, mut h) = ([0.0; 2], [0.0; 3]);
        for (&x, &p) in values.iter().zip(positive) {
            let x = f64::from(x);
            let q = (1.0 + (-(slope * x + intercept)).exp()).recip();
            let (error, weight) = (q - target(p), q * (1.0 - q));
            g = [g[0] + error * x, g[1] + error];
            h = [h[0] + weight * x * x, h[1] + weight * x, h[2] + weight];
        }
        // a ridge for features that never change
        let (a, b, c) = (h[0] + 1e-9, h[1], h[2] + 1e-9);
        let whole = a * c - b * b;
        let step = [(c * g[0] - b * g[1]) / whole, (a * g[1] - b * g[0]) / whole];
        // short steps at first: far from the end the curvature says little
        let scale = (5.0 / step[0].abs().max(step[1].abs())).min(1.0);
        slope -= scale * step[0];
        intercept -= scale * step[1];
        if !slope.is_finite() || !intercept.is_finite() {
            return Line {
                slope: 0.0,
                intercept: ((positives + 1.0) / (negatives + 1.0)).ln(),
            };
        }
        if step[0].abs().max(step[1].abs()) < 1e-10 {
            break;
        }
    }
    Line { slope, intercept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{self, Purpose, normal};

    /// 600 rows of 4 features, of which concept 0 follows the first and concept 1 none.
    fn data() -> (Vec<f32>, Vec<Vec<u32>>) {
        let mut rng = random::stream(3, Purpose::Rows, 0);
        let features: Vec<f32> = (0..2400).map(|_| normal(&mut rng) as f32).collect();
        let mut positives = vec![Vec::new(), Vec::new()];
        for (row, x) in (0..).zip(features.chunks(4)) {
            if f64::from(x[0]) * 3.0 - 1.0 + normal(&mut rng) > 0.0 {
                positives[0].push(row);
            }
            if row % 3 == 0 {
                positives[1].push(row);
            }
        }
        (features, positives)
    }

    #[test]
    fn weights_are_where_the_gradient_vanishes() {
        let (mut features, positives) = data();
        Scaling::of(&features, 4).apply(&mut features);
        let targets = Targets {
            rows: 600,
            positives: &positives,
        };
        let models = fit(&features, 4, targets);
        for (model, penalty) in models.iter().zip(PENALTIES) {
            let logits = model.logits(&features);
            for concept in 0..2 {
                for feature in 0..4 {
                    let mut slope = f64::from(penalty * model.weights[concept * 4 + feature]);
                    for row in 0..600 {
                        let p = (1.0 + (-f64::from(logits[row * 2 + concept])).exp()).recip();
                        let y = positives[concept].binary_search(&(row as u32)).is_ok();
                        slope += (p - f64::from(u8::from(y)))
                            * f64::from(features[row * 4 + feature])
                            / 600.0;
                    }
                    assert!(
                        slope.abs() < 1.5e-3,
                        "{penalty} {concept} {feature}: {slope}"
                    );
                }
            }
        }
        assert!(models[1].weights[0] > 1.5 * models[0].weights[0]);
        let chosen = choose(&models, &features, targets);
        assert_eq!(chosen.weights[..4], models[1].weights[..4]);
    }

    #[test]
    fn a_line_has_the_frequencies_of_its_data() {
        // shares of 1/4 and 3/4, of 40 each; smoothing moves them little
        let values: Vec<f32> = (0..80).map(|i| (i % 2) as f32).collect();
        let positive: Vec<bool> = (0..80).map(|i| (i / 2) % 4 < 1 + 2 * (i % 2)).collect();
        let Line { slope, intercept } = line(&values, &positive);
        assert!((intercept + 3.0_f64.ln()).abs() < 0.1, "{intercept}");
        assert!((slope - 2.0 * 3.0_f64.ln()).abs() < 0.2, "{slope}");
        assert!(line(&[1.0], &[true]).slope.is_finite());
    }

    #[test]
    fn a_feature_that_never_changes_says_nothing() {
        let mut features = vec![5.0, 1.0, 5.0, 3.0];
        Scaling::of(&features, 2).apply(&mut features);
        assert_eq!(features, [0.0, -1.0, 0.0, 1.0]);
    }
}
