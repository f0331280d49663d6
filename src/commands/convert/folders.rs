//! Folders of models: our own, and in the layouts of other programs.

use crate::{
    Result,
    cli::{Context, TargetFolder, context::to_json, log},
    exchange::{self, Layout, NamedTensor},
    sae::folder::{self, Sae, Slice},
};

/// Writes a model folder, for the other executables.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn write_model(context: &Context, sae: &Sae, output: &TargetFolder) -> Result<()> {
    let folder = context.create_folder(output)?;
    let mut latent_max = sae.latent_max.clone();
    let mut config = sae.config.clone();
    if latent_max.iter().all(|&m| m <= 0.0) {
        log::warn(
            "largest activations of latents are not known and taken as 1: thresholds of protsae-annotate are then activations themselves; --check TABLE learns them",
        );
        latent_max.fill(1.0);
        if let Some(conversion) = &mut config.conversion {
            conversion.assumed_maxima = true;
        }
    }
    folder::write_weights(
        &folder.path().join(folder::WEIGHTS_FILE),
        &folder::ModelTensors {
            params: &sae.params,
            latent_max: &latent_max,
            latent_scale: &sae.latent_scale,
            positive_weight: &[],
        },
    )?;
    folder.write(folder::CONFIG_FILE, config.to_yaml()?.as_bytes())?;
    folder.write(folder::CONCEPTS_FILE, to_json(&sae.concepts)?.as_bytes())?;
    folder.commit();
    Ok(())
}

/// Writes a folder that another program loads, and says what it lacks.
///
/// # Errors
/// Where the layout cannot hold such a model, or the folder cannot be written.
pub(super) fn write_layout(
    context: &Context,
    sae: &Sae,
    layout: Layout,
    output: &TargetFolder,
) -> Result<()> {
    let written = exchange::write(sae, layout)?;
    for note in &written.notes {
        log::warn(note);
    }
    let folder = context.create_folder(output)?;
    let tensors = written
        .tensors
        .iter()
        .map(|(name, shape, values): &NamedTensor| {
            let shape = shape.clone();
            ((*name).to_owned(), Slice { shape, values })
        });
    folder::write_tensors(&folder.path().join(written.weights), tensors)?;
    folder.write(exchange::CONFIG, to_json(&written.config)?.as_bytes())?;
    folder.commit();
    Ok(())
}
