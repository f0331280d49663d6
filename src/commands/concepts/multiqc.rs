//! The table for `MultiQC`: a row for each input of annotations.

use crate::{
    annot::collect::{DropReason, InputReport},
    report::multiqc::COUNT,
};
use serde_json::{Map, Value, json};

/// Endings at which `MultiQC` cuts names of samples, and those of compressed files.
const CUT_AT: [&str; 10] = [
    ".gz", ".bgz", ".zst", ".bz2", ".xz", ".dat", ".fasta", ".fa", ".txt", ".log",
];

/// A count of an input: title, explanation, value.
type Count = (String, String, u64);

/// Counts of an input, the same columns for every input and every file.
fn counts(input: &InputReport) -> Vec<Count> {
    let mut counts: Vec<Count> = [
        ("Records", "lines or entries that were read", input.records),
        ("Labels", "statements that were kept", input.kept),
        (
            "By alt_id",
            "labels whose term goes by another id now",
            input.alt_id_followed,
        ),
        (
            "By replaced_by",
            "labels whose term was replaced",
            input.replaced_by_followed,
        ),
        (
            "By secondary accession",
            "entries that were found under an accession of before",
            input.by_secondary_accession,
        ),
        (
            "By sequence",
            "records whose protein was found by its sequence",
            input.by_sequence,
        ),
        (
            "Of isoforms",
            "annotations of isoforms, taken for their protein",
            input.of_forms,
        ),
        (
            "Evidence without a code",
            "annotations whose evidence has no GO code",
            input.unknown_evidence,
        ),
        (
            "Without evidence",
            "labels that have none, where some was asked for",
            input.without_evidence,
        ),
    ]
    .map(|(title, description, count)| (title.to_owned(), description.to_owned(), count))
    .into();
    for reason in DropReason::ALL {
        let count = input.dropped.get(&reason).copied().unwrap_or(0);
        let description = format!("statements or records {reason}");
        counts.push((format!("Left out: {reason}"), description, count));
    }
    counts
}

fn key(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase()
}

/// A row for each input, named by its file and what stands before it: records, labels, ids that were followed, and what
/// was left out for which reason.
pub(super) fn table(sample: Option<&str>, inputs: &[InputReport]) -> Value {
    let mut headers = Map::new();
    for (title, description, _) in counts(&InputReport::default()) {
        let header = json!({ "title": title, "description": description, "format": COUNT });
        headers.insert(key(&title), header);
    }
    let mut rows = Map::new();
    let before = sample.map_or(String::new(), |name| format!("{name}: "));
    let names = inputs.iter().map(|input| input.input.as_str());
    let names = sample_names(names)
        .into_iter()
        .map(|name| format!("{before}{name}"));
    for (name, input) in names.zip(inputs) {
        let row = counts(input).into_iter();
        let row: Map<String, Value> = row.map(|(title, _, n)| (key(&title), n.into())).collect();
        rows.insert(name, row.into());
    }
    json!({
        "id": "protsae_concepts",
        "section_name": "ProtSAE annotations",
        "description": "Annotations that were read, and what became of them",
        "plot_type": "table",
        "pconfig": {"id": "protsae_concepts_table", "title": "ProtSAE annotations"},
        "headers": headers,
        "data": rows,
    })
}

/// Names of the inputs, numbered where `MultiQC` would take two for one: the same name in two folders, or a file and
/// its compressed form. The number stands before the ending, since names are cut there.
fn sample_names<'a>(inputs: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    inputs
        .map(|input| {
            let (stem, ending) = match input.char_indices().skip(1).find(|&(_, c)| c == '.') {
                Some((at, _)) => input.split_at(at),
                None => (input, ""),
            };
            let numbered = (2..).map(|n| format!("{stem}_{n}{ending}"));
            let mut names = std::iter::once(input.to_owned()).chain(numbered);
            let is_free = |name: &String| !taken.contains(&cut(name));
            let name = names.find(is_free).unwrap_or_else(|| input.to_owned());
            taken.push(cut(&name));
            name
        })
        .collect()
}

/// What `MultiQC` leaves of a name.
fn cut(name: &str) -> String {
    let ends = CUT_AT.iter().filter_map(|ending| name.find(ending));
    name[..ends.min().unwrap_or(name.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_of_one_name_are_rows_of_their_own() {
        let names = [
            "a.gaf", "a.gaf.gz", "a.gaf", "x.dat.gz", "x", "-", "-", "a_2.gaf", ".gz",
        ];
        let found = sample_names(names.into_iter());
        let expected = [
            "a.gaf",
            "a_2.gaf.gz",
            "a_3.gaf",
            "x.dat.gz",
            "x_2",
            "-",
            "-_2",
            "a_2_2.gaf",
            ".gz",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn every_column_is_described_in_every_file() {
        let input = InputReport {
            input: "x.gaf".into(),
            records: 9,
            kept: 7,
            dropped: [(DropReason::ObsoleteTerm, 2)].into(),
            ..InputReport::default()
        };
        let full = table(None, std::slice::from_ref(&input));
        let named = table(Some("s"), std::slice::from_ref(&input));
        assert_eq!(named["data"]["s: x.gaf"], full["data"]["x.gaf"]);
        assert_eq!(full["data"]["x.gaf"]["labels"], 7);
        assert_eq!(full["data"]["x.gaf"]["left_out_of_obsolete_terms"], 2);
        assert_eq!(full["headers"], table(None, &[])["headers"]);
        let headers = full["headers"].as_object().unwrap();
        for (key, header) in headers {
            assert_eq!(header["format"], COUNT, "{key}");
            assert!(header["title"].is_string(), "{key}");
            assert!(full["data"]["x.gaf"][key].is_u64(), "{key}");
        }
        assert_eq!(headers.len(), 9 + DropReason::ALL.len());
    }
}
