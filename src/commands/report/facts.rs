//! The numbers of model, data, training and scores that the overview tells.

use super::{known::Known, survey::Survey};
use crate::{report::page::Facts, score::metrics::ControlKind, train::meter::Measures};

/// Digits of a model's SHA-256 that name it.
const DIGITS: usize = 12;

/// A number with its noun.
pub(super) fn of(count: u64, one: &str, more: &str) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped} {}", if count == 1 { one } else { more })
}

/// Names and values of the model, its data, its fidelity and its scores.
pub(super) fn facts(known: &Known, survey: &Survey<'_>) -> Vec<Facts> {
    let config = &known.sae.config;
    let shape = &config.shape;
    let row = |name: &str, value: String| (name.to_owned(), value);
    let mut model = Vec::new();
    if let Some(plm) = &config.plm {
        model.push(row("protein language model", plm.name.clone()));
        model.push(row("layer", format!("{} ({})", plm.layer, plm.site)));
    }
    model.push(row("width", shape.width.to_string()));
    model.push(row("variant", config.objective.variant.name().into()));
    model.push(row("latents", shape.latents.to_string()));
    model.push(row("of concepts", shape.defined.to_string()));
    if let Some(k) = config.objective.variant.k() {
        model.push(row("active at once (K)", k.to_string()));
    }
    model.push(row(
        "weights",
        known.sae.sha256.chars().take(DIGITS).collect(),
    ));
    let counts = &survey.counts;
    let mut data = Vec::new();
    if let Some(summary) = &known.summary {
        let count = |n: Option<u64>| n.map(|n| of(n, "protein", "proteins"));
        data.extend(count(summary.train_proteins).map(|n| row("trained on", n)));
        data.extend(count(summary.valid_proteins).map(|n| row("selected by", n)));
    }
    if counts.proteins > 0 {
        data.push(row(
            "shown here",
            of(counts.proteins, "protein", "proteins"),
        ));
        data.push(row("with", of(counts.residues, "residue", "residues")));
    }
    if counts.judged > 0 {
        data.push(row("judged on", of(counts.judged, "protein", "proteins")));
    }
    let mut all = vec![
        Facts {
            heading: "Model",
            rows: model,
        },
        Facts {
            heading: "Data",
            rows: data,
        },
        Facts {
            heading: "Fidelity",
            rows: fidelity(known),
        },
        Facts {
            heading: "Ranges and concepts on test proteins",
            rows: scores(known),
        },
    ];
    all.retain(|facts| !facts.rows.is_empty());
    all
}

/// How faithfully activations are given back, by the training's summary and by scores.
fn fidelity(known: &Known) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut of_training = |part: &str, measures: &Measures| {
        if let Some(fvu) = measures.fvu {
            rows.push((format!("variance unexplained, {part}"), format!("{fvu:.3}")));
        }
        rows.push((
            format!("active latents a residue, {part}"),
            format!("{:.1}", measures.l0),
        ));
        rows.push((format!("dead latents, {part}"), measures.dead.to_string()));
    };
    if let Some(summary) = &known.summary {
        match &summary.valid {
            Some(valid) => of_training("validation", valid),
            None => of_training("training", &summary.train),
        }
    }
    if let Some(fidelity) = known.scores.iter().find_map(|s| s.fidelity.as_ref()) {
        let shares = [
            ("variance unexplained, test", fidelity.fvu),
            ("cosine with the activations, test", fidelity.cosine),
            ("active latents a residue, test", fidelity.l0),
        ];
        let known = shares
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        rows.extend(known.map(|(name, value)| (name.to_owned(), format!("{value:.3}"))));
    }
    let recovered = known.scores.iter().find_map(|s| s.loss_recovered.as_ref());
    if let Some(value) = recovered.and_then(|r| r.loss_recovered) {
        rows.push(("loss recovered, test".into(), format!("{value:.3}")));
    }
    rows
}

/// What a control is, in a table of scores.
fn control(kind: ControlKind) -> &'static str {
    match kind {
        ControlKind::RandomSae => "of an untrained autoencoder",
        ControlKind::ShuffledLabels => "with shuffled labels",
        ControlKind::PlmNeurons => "of the language model's neurons",
    }
}

/// What scores say of ranges and concepts.
fn scores(known: &Known) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut push = |name: &str, value: Option<f64>| {
        rows.extend(value.map(|value| (name.to_owned(), format!("{value:.3}"))));
    };
    if let Some(ranges) = known.scores.iter().find_map(|s| s.ranges.as_ref()) {
        push("mean F1 of ranges", ranges.all.f1);
        push("mean F1, of regions", ranges.regions.f1);
        push("precision of what is written", ranges.written.precision);
        push("recall of what is written", ranges.written.recall);
        push("error of stated probabilities", ranges.reliability.error);
    }
    if let Some(alignment) = known.scores.iter().find_map(|s| s.alignment.as_ref()) {
        push(
            "mean AUROC, concepts of residues",
            alignment.residue_level.auroc_pi,
        );
        push(
            "mean AUROC, concepts of proteins",
            alignment.protein_level.auroc_pi,
        );
        let best = "mean AUROC of each residue concept's best latent";
        push(
            best,
            alignment.latents.and_then(|l| l.residue_level.auroc_best),
        );
        for other in &alignment.controls {
            let score = other.means.residue_level.auroc_best;
            push(&format!("the same, {}", control(other.control)), score);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn numbers_have_commas_and_nouns_their_number() {
        let said = [0, 1, 999, 1000, 1_234_567].map(|n| of(n, "range", "ranges"));
        let expected = [
            "0 ranges",
            "1 range",
            "999 ranges",
            "1,000 ranges",
            "1,234,567 ranges",
        ];
        assert_eq!(said, expected);
    }
}
