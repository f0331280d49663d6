//! How well a converted model fits activations: the one test that a wrong guess does not pass.

use crate::{
    Result,
    cli::{Context, Source, log},
    sae::{conversion::Reached, encode::Encoder, folder::Sae},
    score::fidelity::{Fidelity, FidelitySums},
    table::{PlmIdentity, activations::ActivationReader},
};
use std::path::Path;

/// Numbers that a block of rows may hold.
const BLOCK_NUMBERS: usize = 1 << 22;

/// What the check found.
pub(super) struct Checked {
    pub(super) fidelity: Fidelity,
    /// Largest activation of each latent on these rows.
    pub(super) latent_max: Vec<f32>,
}

/// Which activations a table holds.
///
/// # Errors
/// Where it is no table of activations.
pub(super) fn identity(table: &Source) -> Result<Option<PlmIdentity>> {
    let reader = ActivationReader::new(table.open_table()?).map_err(table.in_input())?;
    Ok(reader.info().plm.clone())
}

/// Notes in a converted model what it reaches, for protsae-encode to hold other tables against; an FVU above 1 is no
/// achievement to hold anything against.
pub(super) fn record(sae: &mut Sae, checked: &Checked) {
    let Fidelity { rows, fvu, .. } = checked.fidelity;
    if let Some(conversion) = &mut sae.config.conversion {
        let fvu = fvu.filter(|&fvu| fvu <= 1.0);
        conversion.reached = fvu.map(|fvu| Reached { fvu, rows });
    }
}

/// Encodes and decodes the first rows of a table.
///
/// # Errors
/// Where it is no table of activations, or of others than the model's.
pub(super) fn check(context: &Context, sae: &Sae, table: &Source, most: u64) -> Result<Checked> {
    let tables = [table.clone()];
    let mut readers =
        super::shared::open_activations(context, &tables, sae, Path::new("the checkpoint"))?;
    let (d, n) = (sae.config.shape.width, sae.config.shape.latents);
    let block = (BLOCK_NUMBERS / d).max(1);
    let mut sums = FidelitySums::new(d, n, 0);
    let mut latent_max = vec![0.0f32; n];
    let mut encoder = Encoder::new(sae);
    let mut decoded = Vec::new();
    let mut left = usize::try_from(most).unwrap_or(usize::MAX);
    let batches = readers.iter_mut().flat_map(|(_, reader)| reader);
    for batch in batches {
        if left == 0 {
            break;
        }
        let batch = batch.map_err(table.in_input())?;
        let rows = batch.rows().min(left);
        left -= rows;
        let x = batch.activations().map_err(table.in_input())?;
        for x in x[..rows * d].chunks(block * d) {
            let encoded = encoder.encode(x).map_err(table.in_input())?;
            decoded.resize(x.len(), 0.0);
            sae.decode(encoded.z, &mut decoded)?;
            let rows = x.chunks_exact(d).zip(decoded.chunks_exact(d));
            for (row, (x, y)) in rows.enumerate() {
                let (latents, values) = encoded.z.row(row);
                sums.add(x, y, latents, &[], (0.0, 0.0));
                for (&latent, &value) in latents.iter().zip(values) {
                    let max = &mut latent_max[latent as usize];
                    *max = max.max(value);
                }
            }
        }
    }
    Ok(Checked {
        fidelity: sums.finish(),
        latent_max,
    })
}

/// Prints and counts what the check found.
pub(super) fn report(context: &Context, table: &Source, checked: &Checked) {
    let fidelity = &checked.fidelity;
    let number = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.4}"));
    log::info(&format!(
        "{table}: {} rows, FVU {}, L0 {}, {} of {} latents dead",
        fidelity.rows,
        number(fidelity.fvu),
        number(fidelity.l0),
        fidelity.dead,
        fidelity.latents
    ));
    if fidelity.fvu.is_some_and(|fvu| fvu > 1.0) {
        log::warn(&format!(
            "{table}: the model reconstructs these activations worse than their mean does: is it of another PLM, layer or numbering, or of transformed activations?"
        ));
    }
    context.metric("fidelity", fidelity);
}
