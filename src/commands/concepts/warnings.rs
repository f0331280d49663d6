//! What is said of a run: warnings, counts.

use crate::{
    annot::{
        collect::{DropReason, InputReport},
        vocabulary::Vocabulary,
    },
    cli::log,
};

/// Says what of the inputs is no label and why, where that is likely to surprise.
pub(super) fn warn_about_inputs(inputs: &[InputReport]) {
    for input in inputs {
        if input.records == 0 {
            log::warn(&format!("{}: no annotations in it", input.input));
            continue;
        }
        let dropped: Vec<String> = input
            .dropped
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        log::info(&format!(
            "{} ({}): {} records, {} labels{}{}",
            input.input,
            input.format,
            input.records,
            input.kept,
            if dropped.is_empty() {
                ""
            } else {
                "; left out: "
            },
            dropped.join(", ")
        ));
        for bad in &input.bad {
            log::warn(&format!("{}: skipped: {bad}", input.input));
        }
        if input.unknown_evidence > 0 {
            log::warn(&format!(
                "{}: {} annotations have an evidence without a GO code: taken, except where --evidence asks for others \
                 (--eco-mapping gives the codes of ECO's terms)",
                input.input, input.unknown_evidence
            ));
        }
        if input.without_evidence > 0 {
            log::info(&format!(
                "{}: {} labels are without evidence, which --evidence asks of GO terms alone",
                input.input, input.without_evidence
            ));
        }
        if input.kept == 0 {
            let text = format!("{}: none of its annotations became a label", input.input);
            let is_skipped = |reason| input.dropped.contains_key(&reason);
            if is_skipped(DropReason::Bad) {
                log::warn_always(&format!("{text}, and bad ones were skipped"));
            } else {
                log::warn(&text);
            }
        }
    }
}

/// Numbers of axioms by form.
pub(super) fn count_axioms(vocabulary: &Vocabulary<'_>) -> serde_json::Value {
    let file = &vocabulary.file;
    serde_json::json!({
        "zero_classes": file.zero_classes.len(),
        "relations": file.relations.len(),
        "nf1": file.axioms.nf1.len(),
        "nf2": file.axioms.nf2.len(),
        "nf3": file.axioms.nf3.len(),
        "nf4": file.axioms.nf4.len(),
        "disjoint": file.axioms.disjoint.len(),
    })
}

/// Says which terms the ontology does not have.
pub(super) fn warn_about_terms(vocabulary: &Vocabulary<'_>) {
    let report = &vocabulary.report;
    if report.unknown_ids > 0 {
        log::warn(&format!(
            "{} ids are not in the ontology ({} annotations left out): {}{}",
            report.unknown_ids,
            report.unknown_dropped,
            report.unknown_listed.join(", "),
            if report.unknown_ids > report.unknown_listed.len() as u64 {
                ", ..."
            } else {
                ""
            }
        ));
    }
}

/// Says what was chosen.
pub(super) fn report(vocabulary: &Vocabulary<'_>, set: Option<&str>) {
    let set = set.map_or(String::new(), |set| format!("{set}: "));
    let report = &vocabulary.report;
    if vocabulary.file.concepts.is_empty() {
        log::warn(&format!(
            "{set}no concept has enough proteins; see --min-count"
        ));
    }
    log::info(&format!(
        "{set}{} concepts, {} labels of {} proteins",
        vocabulary.file.concepts.len(),
        report.labels,
        report.labelled_proteins
    ));
}
