//! The scores of a model that stand in tables of models: one place for their names and for where they are.

use super::metrics::{Alignment, Metrics};

/// How numbers of a column are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Shares, areas, F1.
    Share,
    /// Means of counts.
    Mean,
    /// Counts.
    Count,
}

/// A column.
#[derive(Clone, Copy)]
pub struct Headline {
    /// Its key in files.
    pub key: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it says.
    pub description: &'static str,
    /// How it is shown.
    pub shown: Shown,
    /// Its value for a model.
    pub value: fn(&Metrics) -> Option<f64>,
}

const fn share(
    key: &'static str,
    title: &'static str,
    description: &'static str,
    value: fn(&Metrics) -> Option<f64>,
) -> Headline {
    Headline {
        key,
        title,
        description,
        shown: Shown::Share,
        value,
    }
}

fn alignment(metrics: &Metrics, value: fn(&Alignment) -> Option<f64>) -> Option<f64> {
    metrics.alignment.as_ref().and_then(value)
}

/// The largest F1 of function prediction by a model's own probabilities in an aspect.
fn f_max(metrics: &Metrics, aspect: &str) -> Option<f64> {
    let cells = &metrics.function.as_ref()?.cells;
    let own = |cell: &&super::function::result::Cell| {
        cell.method == "pi" && cell.aspect == aspect && cell.knowledge.is_none()
    };
    let best = cells.iter().find(own)?.f_max.as_ref()?;
    Some(best.value)
}

/// All columns, in their order.
pub const HEADLINES: [Headline; 30] = [
    Headline {
        key: "l0",
        title: "L0",
        description: "mean number of active latents",
        shown: Shown::Mean,
        value: |m| m.fidelity.as_ref().and_then(|f| f.l0),
    },
    Headline {
        key: "dead",
        title: "Dead",
        description: "latents that are never active",
        shown: Shown::Count,
        value: |m| m.fidelity.as_ref().map(|f| f.dead as f64),
    },
    share("fvu", "FVU", "fraction of variance unexplained", |m| {
        m.fidelity.as_ref().and_then(|f| f.fvu)
    }),
    share(
        "participation",
        "Participation",
        "predicted concepts whose latent is active",
        |m| m.fidelity.as_ref().and_then(|f| f.participation),
    ),
    share(
        "loss_recovered",
        "Loss recovered",
        "skill of the language model that is left with reconstructions in place of its activations",
        |m| m.loss_recovered.as_ref().and_then(|l| l.loss_recovered),
    ),
    share(
        "auroc_pi_residue",
        "AUROC pi (residues)",
        "probability of concepts, mean over residue-level concepts",
        |m| alignment(m, |a| a.residue_level.auroc_pi),
    ),
    share(
        "auroc_z_residue",
        "AUROC z (residues)",
        "activation of the concepts' latents, mean over residue-level concepts",
        |m| alignment(m, |a| a.residue_level.auroc_z),
    ),
    share(
        "auroc_best_residue",
        "AUROC best (residues)",
        "best of all latents, mean over residue-level concepts",
        |m| alignment(m, |a| a.latents?.residue_level.auroc_best),
    ),
    share(
        "f1_z_residue",
        "F1 z (residues)",
        "the concepts' latents as detectors, mean over residue-level concepts",
        |m| alignment(m, |a| a.residue_level.f1_z),
    ),
    share(
        "f1_best_residue",
        "F1 best (residues)",
        "best of all latents as a detector, mean over residue-level concepts",
        |m| alignment(m, |a| a.latents?.residue_level.f1_best),
    ),
    share(
        "f1_mean_of_ten_residue",
        "F1 mean of ten (residues)",
        "mean over the ten most relevant latents of each residue-level concept",
        |m| alignment(m, |a| a.latents?.residue_level.f1_mean_of_ten),
    ),
    share(
        "f1_max_of_ten_residue",
        "F1 max of ten (residues)",
        "best of the ten most relevant latents of each residue-level concept",
        |m| alignment(m, |a| a.latents?.residue_level.f1_max_of_ten),
    ),
    share(
        "auroc_pi_protein",
        "AUROC pi (proteins)",
        "probability of concepts, mean over protein-level concepts",
        |m| alignment(m, |a| a.protein_level.auroc_pi),
    ),
    share(
        "auroc_z_protein",
        "AUROC z (proteins)",
        "activation of the concepts' latents, mean over protein-level concepts",
        |m| alignment(m, |a| a.protein_level.auroc_z),
    ),
    share(
        "auroc_best_protein",
        "AUROC best (proteins)",
        "best of all latents, mean over protein-level concepts",
        |m| alignment(m, |a| a.latents?.protein_level.auroc_best),
    ),
    share(
        "f1_z_protein",
        "F1 z (proteins)",
        "the concepts' latents as detectors, mean over protein-level concepts",
        |m| alignment(m, |a| a.protein_level.f1_z),
    ),
    share(
        "f1_mean_of_ten_protein",
        "F1 mean of ten (proteins)",
        "mean over the ten most relevant latents of each protein-level concept",
        |m| alignment(m, |a| a.latents?.protein_level.f1_mean_of_ten),
    ),
    share(
        "f1_max_of_ten_protein",
        "F1 max of ten (proteins)",
        "best of the ten most relevant latents of each protein-level concept",
        |m| alignment(m, |a| a.latents?.protein_level.f1_max_of_ten),
    ),
    share("f_max_mf", "Fmax MF", "molecular function by pi", |m| {
        f_max(m, "molecular_function")
    }),
    share("f_max_bp", "Fmax BP", "biological process by pi", |m| {
        f_max(m, "biological_process")
    }),
    share("f_max_cc", "Fmax CC", "cellular component by pi", |m| {
        f_max(m, "cellular_component")
    }),
    share(
        "f1_ranges",
        "F1 ranges",
        "ranges, mean over concepts",
        |m| m.ranges.as_ref().and_then(|r| r.all.f1),
    ),
    share(
        "f1_regions",
        "F1 regions",
        "ranges, mean over concepts of regions",
        |m| m.ranges.as_ref().and_then(|r| r.regions.f1),
    ),
    share(
        "violations",
        "Violations",
        "predictions of a child without its parent, residue by residue",
        |m| m.consistency.as_ref().and_then(|c| c.residues.share),
    ),
    share(
        "absorption",
        "Absorption",
        "residues on which a child's latent is active and its parent's is not",
        |m| m.consistency.as_ref().and_then(|c| c.latents.share),
    ),
    share(
        "decoder_cosine",
        "Cosine, child and parent",
        "of decoder rows, mean over pairs of the ontology",
        |m| Some(m.disentanglement.as_ref()?.decoder?.mean),
    ),
    share(
        "decoder_cosine_unrelated",
        "Cosine, unrelated",
        "of decoder rows, mean over unrelated pairs",
        |m| m.disentanglement.as_ref()?.decoder?.unrelated_mean,
    ),
    share(
        "entangled",
        "Entangled concepts",
        "unrelated concepts that are nearly as close to a latent as its best, mean over latents",
        |m| m.disentanglement.as_ref()?.residue_level.mean_others,
    ),
    share(
        "monosemanticity",
        "Monosemanticity",
        "likeness of the proteins on which a latent is active, mean over latents",
        |m| m.disentanglement.as_ref()?.monosemanticity.all.mean,
    ),
    share(
        "probe_latents",
        "Probe AUROC",
        "logistic probes of concepts on all latents' means",
        |m| {
            let probes = &m.probing.as_ref()?.probes;
            probes.iter().find(|p| p.features == "latents")?.auroc
        },
    ),
];
