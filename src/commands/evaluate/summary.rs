//! The main scores of models: for MultiQC, and as a Markdown table.

use crate::{
    report::{markdown, multiqc},
    score::{
        comparison::{Comparison, MeanOfModels, Row},
        headline::{HEADLINES, Headline, Shown},
        metrics::Metrics,
    },
};
use serde_json::json;

/// The table of models, by name.
pub(super) fn multiqc_table(samples: &[(String, &Metrics)]) -> serde_json::Value {
    let format = |headline: &Headline| match headline.shown {
        Shown::Share => multiqc::SHARE,
        Shown::Mean => multiqc::MEAN,
        Shown::Count => multiqc::COUNT,
    };
    // all columns, so that tables of several files are one; MultiQC hides those without a value
    let columns = HEADLINES.iter().map(|headline| multiqc::Column {
        key: headline.key,
        title: headline.title,
        description: headline.description,
        format: format(headline),
        values: (samples.iter())
            .map(|sample| json!((headline.value)(sample.1)))
            .collect(),
    });
    let names: Vec<&str> = samples.iter().map(|s| s.0.as_str()).collect();
    multiqc::table(
        "protsae_evaluate",
        "ProtSAE evaluation",
        "Faithfulness of the sparse autoencoder and agreement of its latents with concepts on held-out proteins",
        &names,
        columns.collect(),
    )
}

/// The models beside each other, a row for those that differ by their seed alone: means with 95 % intervals.
pub(super) fn markdown(comparison: &Comparison) -> String {
    let rows = &comparison.rows;
    let has_any = |headline: &&Headline| rows.iter().any(|r| r.scores.contains_key(headline.key));
    let columns: Vec<&Headline> = HEADLINES.iter().filter(has_any).collect();
    let stable = rows.iter().any(|row| row.stability.is_some());
    let mut head = vec!["model".to_owned(), "models".to_owned()];
    head.extend(columns.iter().map(|c| c.title.to_owned()));
    if stable {
        head.push("Cosine between seeds, matched".to_owned());
    }
    let cells = |row: &Row| {
        let mut cells = vec![row.label.clone(), row.models.len().to_string()];
        cells.extend(columns.iter().map(|c| cell(row.scores.get(c.key), c.shown)));
        if stable {
            let matched = row.stability.and_then(|s| s.matched);
            cells.push(matched.map_or("-".into(), |m| format!("{m:.3}")));
        }
        cells
    };
    markdown::table(&head, &rows.iter().map(cells).collect::<Vec<_>>())
}

fn cell(score: Option<&MeanOfModels>, shown: Shown) -> String {
    let Some(MeanOfModels { mean, half_width }) = score else {
        return "-".into();
    };
    let digits = match shown {
        Shown::Share => 3,
        Shown::Mean => 1,
        Shown::Count => 0,
    };
    match half_width {
        Some(half) => format!("{mean:.digits$} ± {half:.digits$}"),
        None => format!("{mean:.digits$}"),
    }
}
