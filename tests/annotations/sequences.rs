//! Every format that says something of a protein's sequence is held against the sequence given: what differs is an
//! error, or counted and without any label, as every bad record is.

use protsae::{
    annot::{
        AnnotError,
        collect::{Collector, DropReason, Settings},
        concept::ConceptKind,
        format,
    },
    hash,
    seq::checksum,
};

const SEQUENCE: &str = "MKTAYIAK";
/// As long as the other.
const OTHER: &str = "MKTAYIAR";

fn md5(sequence: &str) -> String {
    hash::hex(&checksum::md5(sequence.as_bytes()))
}

/// One protein with one feature or match in each format, as it says that its sequence is.
fn texts(sequence: &str) -> Vec<(&'static str, String)> {
    let (md5, n) = (md5(sequence), sequence.len());
    let crc64 = format!("{:016X}", checksum::crc64(sequence.as_bytes()));
    let entry = "\"entry\": {\"accession\": \"IPR000001\", \"name\": \"x\", \"goXRefs\": []}";
    vec![
        (
            "uniprot-dat",
            format!(
                "ID   A_B   Reviewed;   {n} AA.\nAC   P12345;\nFT   HELIX           2..4\n\
                 SQ   SEQUENCE   {n} AA;  600 MW;  {crc64} CRC64;\n     {sequence}\n//\n"
            ),
        ),
        (
            "uniprot-xml",
            format!(
                "<uniprot><entry><accession>P12345</accession><feature type=\"helix\"><location><begin position=\"2\"/>\
                 <end position=\"4\"/></location></feature><sequence length=\"{n}\" checksum=\"{crc64}\">{sequence}</sequence>\
                 </entry></uniprot>"
            ),
        ),
        (
            "uniprot-tsv",
            format!("Entry\tLength\tSequence\tHelix\nP12345\t{n}\t{sequence}\tHELIX 2..4\n"),
        ),
        (
            "interproscan-tsv",
            format!("P12345\t{md5}\t{n}\tPfam\tPF00001\tx\t2\t4\t1\tT\t01-01-2020\tIPR000001\tx\n"),
        ),
        (
            "interproscan-gff",
            format!(
                "##gff-version 3\nP12345\t.\tpolypeptide\t1\t{n}\t.\t+\t.\tID=P12345;md5={md5}\n\
                 P12345\tPfam\tprotein_match\t2\t4\t.\t+\t.\tName=PF00001;Dbxref=\"InterPro:IPR000001\"\n"
            ),
        ),
        (
            "interproscan-json",
            format!(
                "{{\"results\": [{{\"sequence\": \"{sequence}\", \"md5\": \"{md5}\", \"xref\": [{{\"id\": \"P12345\"}}], \
                 \"matches\": [{{\"signature\": {{\"accession\": \"PF00001\", {entry}}}, \
                 \"locations\": [{{\"start\": 2, \"end\": 4}}]}}]}}]}}"
            ),
        ),
        (
            "interproscan-xml",
            format!(
                "<protein-matches><protein><sequence md5=\"{md5}\">{sequence}</sequence><xref id=\"P12345\"/><matches>\
                 <hmmer3-match><signature ac=\"PF00001\"><entry ac=\"IPR000001\" desc=\"x\"/></signature><locations>\
                 <hmmer3-location start=\"2\" end=\"4\"/></locations></hmmer3-match></matches></protein></protein-matches>"
            ),
        ),
    ]
}

/// Formats that know no more than the length.
fn texts_with_length(n: usize) -> [(&'static str, String); 2] {
    [
        (
            "uniprot-tsv",
            format!("Entry\tLength\tHelix\nP12345\t{n}\tHELIX 2..4\n"),
        ),
        (
            "uniprot-gff",
            format!(
                "##gff-version 3\n##sequence-region P12345 1 {n}\nP12345\tUniProtKB\tHelix\t2\t4\t.\t.\t.\t.\t\n"
            ),
        ),
    ]
}

fn read(text: &str, protein: &str, skip_bad: bool) -> Result<Collector, AnnotError> {
    let mut collector = Collector::new(Settings {
        skip_bad,
        ..Settings::default()
    });
    collector.restrict_to_sequences();
    collector.add_sequence(protein, SEQUENCE.as_bytes());
    format::read(text.as_bytes(), None, "x", &mut collector)?;
    Ok(collector)
}

#[test]
fn what_fits_is_read() {
    for (name, text) in texts(SEQUENCE)
        .into_iter()
        .chain(texts_with_length(SEQUENCE.len()))
    {
        let collector = read(&text, "P12345", false).unwrap_or_else(|e| panic!("{name}: {e}"));
        let report = &collector.reports[0];
        assert_eq!(
            (report.format.as_str(), report.kept),
            (name, 1),
            "{report:?}"
        );
    }
}

#[test]
fn another_sequence_is_an_error_or_counted_and_without_labels() {
    for (name, text) in texts(OTHER).into_iter().chain(texts_with_length(7)) {
        let error = read(&text, "P12345", false).unwrap_err();
        assert!(
            matches!(error, AnnotError::OtherSequence { .. }),
            "{name}: {error}"
        );
        let error = error.to_string();
        assert!(
            error.contains("P12345") && error.contains("--on-bad skip"),
            "{name}: {error}"
        );
        let report = &read(&text, "P12345", true).unwrap().reports[0];
        assert_eq!(report.kept, 0, "{name}: {report:?}");
        assert!(report.dropped[&DropReason::Bad] > 0, "{name}: {report:?}");
        assert!(report.bad[0].contains("P12345"), "{name}: {report:?}");
    }
}

#[test]
fn interproscan_finds_a_protein_of_another_name_by_its_md5() {
    for (name, text) in texts(SEQUENCE) {
        if !name.starts_with("interproscan") {
            continue;
        }
        let report = &read(&text, "renamed", false).unwrap().reports[0];
        assert_eq!(
            (report.kept, report.by_sequence),
            (1, 1),
            "{name}: {report:?}"
        );
    }
}

#[test]
fn a_table_whose_columns_contradict_each_other_is_refused() {
    for (row, message) in [
        (
            "P12345\t9\tMKTAYIAK\t",
            "8 residues, but its length is given as 9",
        ),
        ("P12345\t8\tMKTA YIAK\t", "more than letters"),
    ] {
        let text = format!("Entry\tLength\tSequence\tHelix\n{row}\n");
        let error = read(&text, "P12345", false).unwrap_err().to_string();
        assert!(
            error.contains("line 2") && error.contains(message),
            "{error}"
        );
    }
}

#[test]
fn sequences_of_a_table_are_kept_for_proteins_with_labels() {
    let text = "Entry\tSequence\tHelix\nP1\tMKT\tHELIX 2\nP2\tMKV\t\n";
    let mut collector = Collector::new(Settings {
        kinds: vec![ConceptKind::Feature],
        ..Settings::default()
    });
    collector.keep_sequences();
    format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
    let choice = protsae::annot::vocabulary::Choice {
        min_count: 1,
        ..Default::default()
    };
    let vocabulary = protsae::annot::vocabulary::Vocabulary::new(collector, None, &choice).unwrap();
    assert_eq!(
        vocabulary.sequences,
        [("P1".to_owned(), b"MKT".to_vec())].into()
    );
}

#[test]
fn nothing_of_a_bad_record_is_kept() {
    let matched = |entry: &str| {
        format!(
            "{{\"signature\": {{\"accession\": \"PF00001\", \"entry\": {{\"accession\": \"{entry}\"}}}}, \
             \"locations\": [{{\"start\": 2, \"end\": 4}}]}}"
        )
    };
    let result = |entries: [&str; 2]| {
        let matches = entries.map(matched).join(", ");
        format!(
            "{{\"md5\": \"{}\", \"xref\": [{{\"id\": \"P1\"}}], \"matches\": [{matches}]}}",
            md5(SEQUENCE)
        )
    };
    let bad = result(["IPR000001", "IPR1"]);
    let good = result(["IPR000001", "IPR000002"]);
    for (text, kept) in [
        // the bad part stands behind good ones; a good record follows
        ("Entry\tHelix\tGene Ontology (GO)\nP1\tHELIX 2\tnonsense\nP2\tHELIX 2\tx [GO:0005524]\n".to_owned(), 2),
        (
            "ID   A_B   Reviewed;   5 AA.\nAC   P1;\nDR   InterPro; IPR000001; Kringle.\nDR   GO; nonsense; P:x; IEA:y.\n//\n\
             ID   A_B   Reviewed;   5 AA.\nAC   P2;\nDR   InterPro; IPR000001; Kringle.\n//\n"
                .to_owned(),
            1,
        ),
        (
            "<uniprot><entry><accession>P1</accession><dbReference type=\"InterPro\" id=\"IPR000001\"/>\
             <dbReference type=\"InterPro\" id=\"nonsense\"/></entry><entry><accession>P2</accession>\
             <dbReference type=\"InterPro\" id=\"IPR000001\"/></entry></uniprot>"
                .to_owned(),
            1,
        ),
        (
            "##gff-version 3\nP1\tPfam\tprotein_match\t2\t4\t.\t+\t.\tDbxref=\"InterPro:IPR000001\",\"InterPro:IPR1\"\n\
             P2\tPfam\tprotein_match\t2\t4\t.\t+\t.\tDbxref=\"InterPro:IPR000001\"\n"
                .to_owned(),
            1,
        ),
        (format!("{{\"results\": [{bad}, {good}]}}"), 2),
    ] {
        let mut collector = Collector::new(Settings {
            skip_bad: true,
            ..Settings::default()
        });
        format::read(text.as_bytes(), None, "x", &mut collector).unwrap();
        let report = &collector.reports[0];
        assert_eq!((report.records, report.kept), (2, kept), "{text}");
        assert_eq!(report.dropped[&DropReason::Bad], 1, "{text}");
        assert_eq!(report.kept_by_kind.values().sum::<u64>(), kept, "{text}");
    }
}
