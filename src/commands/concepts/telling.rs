//! What is said of a run: warnings, a table for `MultiQC`, counts.

use crate::{
    annot::{collect::InputReport, vocabulary::Vocabulary},
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
            log::warn(&format!(
                "{}: none of its annotations became a label",
                input.input
            ));
        }
    }
}

/// A row for each input: records, labels, ids that were followed, and what was left out for which reason.
pub(super) fn multiqc_table(inputs: &[InputReport]) -> serde_json::Value {
    let mut rows = serde_json::Map::new();
    let mut headers = serde_json::Map::new();
    for input in inputs {
        let mut row = serde_json::Map::new();
        let mut put = |title: &str, count: u64| {
            let words = title.split(|c: char| !c.is_ascii_alphanumeric());
            let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
            let key = words.join("_").to_lowercase();
            headers.insert(key.clone(), serde_json::json!({ "title": title }));
            row.insert(key, count.into());
        };
        put("Records", input.records);
        put("Labels", input.kept);
        for (title, count) in [
            ("By alt_id", input.alt_id_followed),
            ("By replaced_by", input.replaced_by_followed),
            ("By secondary accession", input.by_secondary_accession),
            ("By sequence", input.by_sequence),
            ("Of isoforms", input.of_forms),
            ("Evidence without a code", input.unknown_evidence),
            ("Without evidence", input.without_evidence),
        ] {
            if count > 0 {
                put(title, count);
            }
        }
        for (reason, count) in &input.dropped {
            put(&format!("Left out: {reason}"), *count);
        }
        // samples of one name would be one
        let names = std::iter::once(input.input.clone())
            .chain((2..).map(|n| format!("{} ({n})", input.input)));
        let mut names = names.skip_while(|name| rows.contains_key(name));
        rows.insert(names.next().unwrap_or_default(), row.into());
    }
    serde_json::json!({
        "id": "protsae_concepts",
        "section_name": "ProtSAE annotations",
        "description": "Annotations that were read, and what became of them",
        "plot_type": "table",
        "pconfig": {"id": "protsae_concepts_table", "title": "ProtSAE annotations"},
        "headers": headers,
        "data": rows,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annot::collect::DropReason;

    #[test]
    fn inputs_of_one_name_are_two_rows() {
        let input = |kept| InputReport {
            input: "x.gaf".into(),
            records: 9,
            kept,
            alt_id_followed: 1,
            dropped: [(DropReason::ObsoleteTerm, 2)].into(),
            ..InputReport::default()
        };
        let table = multiqc_table(&[input(7), input(5)]);
        assert_eq!(table["data"]["x.gaf"]["labels"], 7);
        assert_eq!(table["data"]["x.gaf (2)"]["labels"], 5);
        for key in ["by_alt_id", "left_out_of_obsolete_terms", "records"] {
            assert!(table["headers"][key]["title"].is_string(), "{key}");
            assert!(table["data"]["x.gaf"][key].is_u64(), "{key}");
        }
    }
}
