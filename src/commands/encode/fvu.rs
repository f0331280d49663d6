//! `--check-fvu`: whether the model reconstructs what it encodes as well as it is known to. One of another layer, PLM or site
//! encodes without a sign, and badly.

use crate::{
    Error, Result,
    cli::{Context, Source, log},
    error::Context as _,
    sae::{
        conversion::Reached,
        encode::{Encoded, LatentRows},
        folder::{SUMMARY_FILE, Sae},
        unexplained::{self, ROWS, Unexplained},
    },
    table::PlmIdentity,
    train::driver::Summary,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fs, io::ErrorKind, path::Path};

/// What happens where activations do not fit the model.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Misfit {
    /// A warning.
    Warn,
    /// An error.
    Error,
    /// Nothing: it is not looked at.
    Off,
}

/// What is measured of a table, for `--metrics`.
#[derive(Debug, Serialize)]
struct Measured {
    rows: usize,
    fvu: Option<f64>,
    reached: Option<f64>,
    limit: f64,
}

/// The first rows of each table against what the model is known to reach.
#[derive(Debug)]
pub(super) struct FvuCheck<'a> {
    sae: &'a Sae,
    on_misfit: Misfit,
    reached: Option<Reached>,
    sums: Unexplained,
    decoded: Vec<f32>,
    measured: Vec<Measured>,
}

impl<'a> FvuCheck<'a> {
    /// A check of a model in a folder.
    ///
    /// # Errors
    /// Where the summary of its training is damaged, naming it.
    pub(super) fn new(sae: &'a Sae, folder: &Path, on_misfit: Misfit) -> Result<Self> {
        let reached = match on_misfit {
            Misfit::Off => None,
            Misfit::Warn | Misfit::Error => reached(sae, folder)?,
        };
        Ok(Self {
            sae,
            on_misfit,
            reached,
            sums: Unexplained::new(sae.config.shape.width),
            decoded: Vec::new(),
            measured: Vec::new(),
        })
    }

    /// Adds encoded rows of a table, as long as its first [`ROWS`] are not complete; judges them once they are.
    ///
    /// # Errors
    /// Where activations do not fit and that is an error, naming both numbers.
    pub(super) fn add(
        &mut self,
        x: &[f32],
        encoded: &Encoded<'_>,
        table: &Table<'_>,
    ) -> Result<()> {
        let rows = encoded.rows.min(ROWS - self.sums.rows());
        if self.on_misfit == Misfit::Off || rows == 0 {
            return Ok(());
        }
        let x = &x[..rows * self.sae.config.shape.width];
        self.decoded.resize(x.len(), 0.0);
        self.sae.decode(first(encoded.z, rows), &mut self.decoded)?;
        self.sums.add(x, &self.decoded);
        match self.sums.rows() {
            ROWS => self.judge(table),
            _ => Ok(()),
        }
    }

    /// The rows of another table follow: one of fewer than [`ROWS`] is judged by those that it has.
    ///
    /// # Errors
    /// As of [`Self::add`].
    pub(super) fn end_table(&mut self, table: &Table<'_>) -> Result<()> {
        if (1..ROWS).contains(&self.sums.rows()) {
            self.judge(table)?;
        }
        self.sums = Unexplained::new(self.sae.config.shape.width);
        Ok(())
    }

    /// Notes what was measured of each table, in their order.
    pub(super) fn note(&self, context: &Context) {
        if self.on_misfit != Misfit::Off {
            context.metric("fvu", &self.measured);
        }
    }

    fn judge(&mut self, table: &Table<'_>) -> Result<()> {
        let (rows, fvu) = (self.sums.rows(), self.sums.fvu());
        let limit = unexplained::limit(self.reached, rows);
        let reached = self.reached.map(|reached| reached.fvu);
        self.measured.push(Measured {
            rows,
            fvu,
            reached,
            limit,
        });
        let Some(fvu) = fvu else {
            return Ok(());
        };
        if fvu <= limit {
            log::detail(&format!("{}: FVU {fvu:.4} of {rows} rows", table.source));
            return Ok(());
        }
        let known = match self.reached {
            Some(Reached { fvu, rows }) => format!("its model reached {fvu:.4} on {rows} rows"),
            None => "of its model nothing is recorded".into(),
        };
        let message = format!(
            "{}: FVU {fvu:.4} of the first {rows} rows, above {limit:.4}; {known}. {}: is the model of another layer, site, \
             PLM or numbering of layers?",
            table.source,
            table.describe()
        );
        if self.on_misfit == Misfit::Error {
            return Err(Error::data(message));
        }
        log::warn(&message);
        Ok(())
    }
}

/// A table whose rows are encoded, for messages.
pub(super) struct Table<'a> {
    pub(super) source: &'a Source,
    pub(super) plm: Option<PlmIdentity>,
}

impl Table<'_> {
    fn describe(&self) -> String {
        match &self.plm {
            None => "The table does not say of which layer it is".into(),
            Some(plm) => format!(
                "The table is of layer {} at site {} of {}",
                plm.layer, plm.site, plm.name
            ),
        }
    }
}

/// Latents of the first rows.
fn first(z: LatentRows<'_>, rows: usize) -> LatentRows<'_> {
    LatentRows {
        offsets: &z.offsets[..=rows],
        frames: z.frames.get(..rows).unwrap_or(z.frames),
        ..z
    }
}

/// How well a model is known to reconstruct: a converted one what it was checked on, one trained here its validation rows,
/// or its training rows where it has no others.
fn reached(sae: &Sae, folder: &Path) -> Result<Option<Reached>> {
    if let Some(conversion) = &sae.config.conversion {
        return Ok(conversion.reached);
    }
    let path = folder.join(SUMMARY_FILE);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.path(&path)?,
    };
    let summary: Summary = serde_json::from_slice(&text)
        .map_err(|e| Error::data(e.to_string()).context(path.display().to_string()))?;
    let measures = summary.valid.unwrap_or(summary.train);
    Ok(measures.fvu.map(|fvu| Reached {
        fvu,
        rows: measures.rows,
    }))
}
