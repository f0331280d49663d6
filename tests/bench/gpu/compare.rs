//! How far results of a GPU are from those of the CPU.

use super::Result;
use protsae::{
    sae::Sae,
    table::{
        TableSource,
        activations::{ActivationBatch, ActivationReader},
        features::{FeatureBatch, FeatureReader},
    },
};
use std::{fs, path::Path};

/// Prints what separates two results as lines of a name and a number.
pub(super) fn print(kind: &str, found: &Path, expected: &Path) -> Result<()> {
    match kind {
        "activations" => activations(found, expected),
        "features" => features(found, expected),
        "model" => model(found, expected),
        _ => Err(format!("no kind {kind}: activations, features or model").into()),
    }
}

fn table(path: &Path) -> Result<TableSource> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(TableSource::from_file_bytes(bytes.into())?)
}

/// Length of the difference over the length of what is expected, summed up.
#[derive(Default)]
struct Distance {
    difference: f64,
    length: f64,
}

impl Distance {
    fn add(&mut self, found: &[f32], expected: &[f32]) {
        for (&found, &expected) in found.iter().zip(expected) {
            let (found, expected) = (f64::from(found), f64::from(expected));
            self.difference += (found - expected).powi(2);
            self.length += expected.powi(2);
        }
    }

    fn relative(&self) -> f64 {
        if self.difference == 0.0 {
            0.0
        } else {
            // what is not a number is near to nothing
            (self.difference / self.length).sqrt()
        }
    }
}

fn activations(found: &Path, expected: &Path) -> Result<()> {
    let batches = |path: &Path| -> Result<Vec<ActivationBatch>> {
        let reader = ActivationReader::new(table(path)?)?;
        Ok(reader.collect::<std::result::Result<_, _>>()?)
    };
    let rows = |batches: &[ActivationBatch]| -> Result<Vec<f32>> {
        let mut out = Vec::new();
        for batch in batches {
            out.extend_from_slice(&batch.activations()?);
        }
        Ok(out)
    };
    let (found, expected) = (rows(&batches(found)?)?, rows(&batches(expected)?)?);
    same_count("numbers", found.len(), expected.len())?;
    let mut all = Distance::default();
    all.add(&found, &expected);
    println!("distance {:.2e}", all.relative());
    Ok(())
}

fn same_count(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found} {what}, expected {expected}").into())
    }
}

/// A row of features: latents with activations, concepts with probabilities.
type Row = [Vec<(u32, f32)>; 2];

fn rows(path: &Path) -> Result<Vec<Row>> {
    let mut out = Vec::new();
    for batch in FeatureReader::new(table(path)?)? {
        let batch: FeatureBatch = batch?;
        let columns = batch.columns()?;
        for row in 0..batch.rows() {
            let pairs = |of: &[u32], values: &[f32]| {
                let values = values.iter().copied();
                of.iter().copied().zip(values).collect::<Vec<_>>()
            };
            out.push([
                pairs(columns.latent.row(row), columns.activation.row(row)),
                pairs(columns.concept.row(row), columns.probability.row(row)),
            ]);
        }
    }
    Ok(out)
}

/// Rows whose latents or concepts differ are those of a tie within rounding, or wrong: their share is told beside the largest
/// difference of the numbers that both have, as a part of their row's largest: small ones are differences of large numbers.
fn features(found: &Path, expected: &Path) -> Result<()> {
    let (found, expected) = (rows(found)?, rows(expected)?);
    same_count("rows", found.len(), expected.len())?;
    let (mut others, mut largest) = (0_usize, 0.0_f32);
    for (found, expected) in found.iter().zip(&expected) {
        let names = |row: &Row| {
            let lists = row.iter().map(|list| list.iter().map(|&(id, _)| id));
            lists.map(Iterator::collect).collect::<Vec<Vec<_>>>()
        };
        others += usize::from(names(found) != names(expected));
        for (found, expected) in found.iter().zip(expected) {
            let most = expected.iter().map(|&(_, value)| value).fold(0.0, f32::max);
            for &(id, value) in found {
                let Ok(at) = expected.binary_search_by_key(&id, |&(id, _)| id) else {
                    continue;
                };
                let part = (value - expected[at].1).abs() / most;
                // what is no number stays
                if part > largest || part.is_nan() {
                    largest = part;
                }
            }
        }
    }
    println!(
        "other_names {:.2e}",
        others as f64 / expected.len().max(1) as f64
    );
    println!("distance {largest:.2e}");
    Ok(())
}

fn model(found: &Path, expected: &Path) -> Result<()> {
    let (left, right) = (Sae::load(found)?, Sae::load(expected)?);
    let mut all = Distance::default();
    for ((name, shape, found), (_, expected_shape, expected)) in
        left.params.tensors().zip(right.params.tensors())
    {
        if shape != expected_shape {
            return Err(format!("tensor {name} is {shape:?}, expected {expected_shape:?}").into());
        }
        all.add(found, expected);
    }
    println!("distance {:.2e}", all.relative());
    let losses = (last_loss(found)?, last_loss(expected)?);
    println!("loss {:.2e}", (losses.0 - losses.1).abs() / losses.1.abs());
    Ok(())
}

/// The last loss of a step in a model's log.
fn last_loss(folder: &Path) -> Result<f64> {
    let log = fs::read_to_string(folder.join("log.jsonl"))?;
    let mut losses = log.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        line.get("loss")?.as_f64()
    });
    let last = losses.next_back();
    last.ok_or_else(|| format!("{}: no loss in its log", folder.display()).into())
}
