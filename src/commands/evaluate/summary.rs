//! A row of scores for MultiQC.

use crate::{report::multiqc, score::metrics::Metrics};
use serde_json::json;

/// The table of a model's scores.
pub(super) fn multiqc_table(sample: &str, metrics: &Metrics) -> serde_json::Value {
    let column = |key, title, description, format, value| multiqc::Column {
        key,
        title,
        description,
        format,
        value,
    };
    let fidelity = metrics.fidelity.as_ref();
    let means = metrics
        .alignment
        .as_ref()
        .map(|a| (a.residue_level, a.protein_level));
    let columns = vec![
        column(
            "fvu",
            "FVU",
            "fraction of variance unexplained",
            multiqc::SHARE,
            json!(fidelity.and_then(|f| f.fvu)),
        ),
        column(
            "l0",
            "L0",
            "mean number of active latents",
            multiqc::MEAN,
            json!(fidelity.and_then(|f| f.l0)),
        ),
        column(
            "dead",
            "Dead",
            "latents that are never active",
            multiqc::COUNT,
            json!(fidelity.map(|f| f.dead)),
        ),
        column(
            "auroc_pi_residue",
            "AUROC pi (residues)",
            "mean over residue-level concepts",
            multiqc::SHARE,
            json!(means.and_then(|m| m.0.auroc_pi)),
        ),
        column(
            "auroc_z_residue",
            "AUROC z (residues)",
            "mean over residue-level concepts",
            multiqc::SHARE,
            json!(means.and_then(|m| m.0.auroc_z)),
        ),
        column(
            "auroc_pi_protein",
            "AUROC pi (proteins)",
            "mean over protein-level concepts",
            multiqc::SHARE,
            json!(means.and_then(|m| m.1.auroc_pi)),
        ),
    ];
    multiqc::table(
        "protsae_evaluate",
        "ProtSAE evaluation",
        "Faithfulness of the sparse autoencoder and agreement of its latents with concepts on held-out proteins",
        sample,
        columns,
    )
}
