//! How fast a run is.

use std::time::Instant;

/// How fast a run was, since it began or was resumed: no property of the model, so nothing that its
/// folder holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Speed {
    /// Seconds.
    pub seconds: f64,
    /// Median over steps of rows a second; none without a step.
    pub rows_per_s: Option<f64>,
}

/// Takes the time of steps.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    last: Instant,
    rates: Vec<f32>,
}

impl Stopwatch {
    /// Begins.
    #[must_use]
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            last: now,
            rates: Vec::new(),
        }
    }

    /// A step of so many rows has ended.
    pub(crate) fn step(&mut self, rows: usize) {
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64().max(1e-9);
        self.last = now;
        self.rates.push((rows as f64 / seconds) as f32);
    }

    /// How fast the steps were.
    #[must_use]
    pub(crate) fn speed(&self) -> Speed {
        let mut rates = self.rates.clone();
        rates.sort_unstable_by(f32::total_cmp);
        Speed {
            seconds: self.began.elapsed().as_secs_f64(),
            rows_per_s: rates.get(rates.len() / 2).map(|&rate| rate.into()),
        }
    }
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self::new()
    }
}
