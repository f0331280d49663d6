//! Progress: a bar on a terminal, a line every tenth or half minute elsewhere.

use super::log;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// Longest silence without a terminal.
const SILENCE: Duration = Duration::from_secs(30);

/// Work that goes on.
pub(crate) struct Progress {
    unit: &'static str,
    total: Option<u64>,
    done: u64,
    /// What was done before it began.
    skipped: u64,
    bar: Option<ProgressBar>,
    started: Instant,
    said: Instant,
    tenths: u64,
}

impl Progress {
    /// Begins; `unit` names what is counted (`residues`).
    #[must_use]
    pub(crate) fn new(unit: &'static str, total: Option<u64>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !log::is_quiet()).then(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = match total {
                Some(_) => "{bar:40} {human_pos}/{human_len} {msg} {per_sec} eta {eta}",
                None => "{spinner} {human_pos} {msg} {per_sec}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.with_message(unit)
        });
        let now = Instant::now();
        Self {
            unit,
            total,
            done: 0,
            skipped: 0,
            bar,
            started: now,
            said: now,
            tenths: 0,
        }
    }

    /// So much was done before: it counts, but not as speed.
    pub(crate) fn skip(&mut self, done: u64) {
        self.done += done;
        self.skipped += done;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            bar.reset_eta();
        }
        if let Some(total) = self.total.filter(|&t| t > 0) {
            self.tenths = self.done * 10 / total;
        }
    }

    /// Says something; a bar makes room for it.
    pub(crate) fn info(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| log::info(text)),
            None => log::info(text),
        }
    }

    /// So much more is done.
    pub(crate) fn add(&mut self, more: u64) {
        self.done += more;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            return;
        }
        let total = self.total.filter(|&t| t > 0);
        let tenths = total.map_or(0, |t| self.done * 10 / t);
        if tenths > self.tenths || self.said.elapsed() >= SILENCE {
            self.tenths = tenths;
            self.said = Instant::now();
            let rate =
                (self.done - self.skipped) as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
            let unit = self.unit;
            match total {
                Some(t) => log::info(&format!(
                    "{} % ({} of {t} {unit}, {rate:.0} {unit}/s)",
                    100 * self.done / t,
                    self.done
                )),
                None => log::info(&format!("{} {unit}, {rate:.0} {unit}/s", self.done)),
            }
        }
    }

    /// All is done; removes the bar.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
