//! Every annotation file of the reference data: what is read from it, or why it is refused.

use crate::support::{open, read, shared, skipping, text};
use protsae::annot::{
    collect::{Collector, DropReason, Settings},
    concept::ConceptKind,
    format,
    vocabulary::{Choice, Vocabulary},
};
use std::collections::BTreeMap;

/// File, format, records, statements kept, statements dropped.
type Expected = (
    &'static str,
    &'static str,
    u64,
    u64,
    &'static [(DropReason, u64)],
);

const ACCEPTED: &[Expected] = &[
    // one row after each is blank; `grep -c NOT` finds 59
    (
        "gaf/mgi_noiea_blank_lines.gaf.gz",
        "gaf",
        12_577,
        12_518,
        &[(DropReason::Negated, 59)],
    ),
    // no header lines at all
    (
        "gaf/oak_test-uniprot_2.2style.gaf",
        "gaf",
        232,
        231,
        &[(DropReason::Negated, 1)],
    ),
    ("gaf/biopython/goa_yeast.gaf", "gaf", 587, 587, &[]),
    (
        "gaf/biopython/gene_association.goa_yeast.1.gaf",
        "gaf",
        300,
        300,
        &[],
    ),
    ("gaf/ontobio/mgi.gaf", "gaf", 105, 105, &[]),
    ("gaf/ontobio/no-version.gaf", "gaf", 6, 6, &[]),
    ("gaf/ontobio/pombase_single.gaf", "gaf", 1, 1, &[]),
    (
        "gaf/ontobio/test-qualifiers-2.2.gaf",
        "gaf",
        9,
        7,
        &[(DropReason::Negated, 2)],
    ),
    (
        "gaf/ontobio/test-qualifiers-no-version.gaf",
        "gaf",
        8,
        5,
        &[(DropReason::Negated, 3)],
    ),
    (
        "gaf/ontobio/test-qualifiers.gaf",
        "gaf",
        8,
        5,
        &[(DropReason::Negated, 3)],
    ),
    ("gaf/ontobio/truncated-pombase.gaf", "gaf", 370, 370, &[]),
    ("gaf/ontobio/wb_single_iba.gaf", "gaf", 1, 1, &[]),
    ("gaf/ontobio/zfin_test_gaf.gaf", "gaf", 2, 2, &[]),
    (
        "uniprot/proteomes/dictyostelium_44689.features.csv.gz",
        "feature-csv",
        78_394,
        78_394,
        &[],
    ),
    (
        "uniprot/proteomes/sarscov.features.csv",
        "feature-csv",
        2_128,
        2_128,
        &[],
    ),
    (
        "uniprot/proteomes/yeast_559292.features.csv.gz",
        "feature-csv",
        94_241,
        94_225,
        &[(DropReason::Isoform, 16)],
    ),
    // 14,038 rows, 6,428 of them with an entry and 119 more with GO terms (PANTHER's); those are the other statements
    (
        "interpro/iprscan6_acinetobacter/test.faa.tsv.gz",
        "interproscan-tsv",
        14_038,
        14_221,
        &[(DropReason::NoConcept, 14_038 - 6_428 - 119)],
    ),
    (
        "interpro/iprscan6_expected/expected_output.tsv",
        "interproscan-tsv",
        181,
        209,
        &[(DropReason::NoConcept, 72)],
    ),
    (
        "interpro/iprscan_apes/ponAbe-GCA_028885655.2.interpro.tsv.gz",
        "interproscan-tsv",
        1_736,
        1_236,
        &[(DropReason::NoConcept, 500)],
    ),
    (
        "uniprot/tsv/rest_go_columns_sample.tsv",
        "uniprot-tsv",
        191,
        1_535,
        &[],
    ),
    (
        "uniprot/tsv/sample_uniprot_features.tsv",
        "uniprot-tsv",
        6,
        5,
        &[],
    ),
];

#[test]
fn files_are_read_to_the_last_record() {
    for (path, format, records, kept, dropped) in ACCEPTED {
        let Some(file) = shared(path) else {
            continue;
        };
        let (_, report) = read(&file, Settings::default()).unwrap();
        assert_eq!(report.format, *format, "{path}");
        assert_eq!((report.records, report.kept), (*records, *kept), "{path}");
        let dropped: BTreeMap<DropReason, u64> = dropped.iter().copied().collect();
        assert_eq!(report.dropped, dropped, "{path}");
    }
}

#[test]
fn other_tables_are_refused_by_content() {
    for path in [
        "interpro/iprscan5/web_proteins/P38398.tsv",
        "interpro/iprscan6_expected/expected_output.tsvpro.tsv",
        "uniprot/tsv/fields_uniprotkb.tsv",
        "gaf/biopython/goa_human_sample.gpi",
        "gaf/biopython/gp_information.goa_yeast.28.gpi",
        "gaf/ontobio/mgi.truncated.gpi2",
        "gaf/ontobio/mgi2.test_entities.gpi",
        "gaf/ontobio/truncated-mgi.gpi",
        "gaf/ontobio/truncated-pombase.gpi",
        "gaf/ontobio/truncated_mgi_gpi2_0.gpi",
        "uniprot/json/uniprot-P12345.json",
        "uniprot/json/uniprot_rest_results.json",
        "uniprot/dat/biopython/multi_ex.fasta",
    ] {
        let Some(file) = shared(path) else {
            continue;
        };
        let error = read(&file, Settings::default()).unwrap_err().to_string();
        assert!(error.contains("--annotation-format"), "{path}: {error}");
    }
}

#[test]
fn deliberate_errors_are_named_or_counted() {
    let Some(file) = shared("gaf/ontobio/errors.gaf") else {
        return;
    };
    let mut collector = Collector::new(Settings::default());
    let error = format::read(open(&file), Some(format::Format::Gaf), "x", &mut collector)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("line 7: \"BAD_GO_ID\""), "{error}");
    let mut collector = Collector::new(skipping());
    format::read(open(&file), Some(format::Format::Gaf), "x", &mut collector).unwrap();
    let report = &collector.reports[0];
    let rows = text(&file)
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('!'))
        .count();
    assert_eq!(report.records, rows as u64);
    assert_eq!((report.records, report.kept), (11, 8));
    assert_eq!(
        report.bad,
        [
            "line 7: \"BAD_GO_ID\" in column 5 is no term id like GO:0005524",
            "line 13: 2 columns; a GAF row has 15 to 17, separated by tabs",
            "line 29: database or id is empty (columns 1 and 2)",
        ]
    );
    assert_eq!(
        report.kept + report.dropped.values().sum::<u64>(),
        report.records
    );
    assert!(report.unknown_evidence >= 1, "MADEUP is no evidence code");
}

/// Counts of the labels of one concept (or of all of a key) in the yeast features.
#[test]
fn feature_keys_have_the_counts_of_the_table() {
    let Some(file) = shared("uniprot/proteomes/yeast_559292.features.csv.gz") else {
        return;
    };
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for line in text(&file).lines().skip(1) {
        // the first four columns hold no quotes
        let columns: Vec<&str> = line.splitn(4, ',').collect();
        if columns[2].is_empty() {
            *expected.entry(columns[1].to_owned()).or_default() += 1;
        }
    }
    assert_eq!(expected["HELIX"], 18_339);
    let (collector, _) = read(&file, Settings::default()).unwrap();
    let choice = Choice {
        min_count: 1,
        ..Choice::default()
    };
    let mut vocabulary = Vocabulary::new(collector, None, &choice).unwrap();
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    let mut bonds = 0;
    vocabulary
        .labels(|label| {
            let key = label
                .concept
                .split(':')
                .next()
                .unwrap_or_default()
                .to_owned();
            if matches!(key.as_str(), "DISULFID" | "CROSSLNK") {
                assert_eq!(label.start, label.end, "ends are single residues");
                bonds += 1;
            }
            *found.entry(key).or_default() += 1;
            Ok::<(), ()>(())
        })
        .unwrap();
    for key in ["HELIX", "STRAND", "TURN", "COILED", "SIGNAL", "ZN_FING"] {
        assert_eq!(found[key], expected[key], "{key}");
    }
    // two numbered zinc ions on one residue are one concept at one place, and so is one site of two kinases
    assert_eq!(expected["MOD_RES"] - found["MOD_RES"], 3);
    assert!(found["METAL"] <= expected["METAL"] && found["METAL"] > 2_000);
    assert_eq!(vocabulary.report.repeated, 432);
    assert!(bonds > 735, "cross-links have one end or two");
}

#[test]
fn phosphosites_sit_on_their_residues() {
    let (Some(fasta), Some(features)) = (
        shared("uniprot/proteomes/yeast_559292.fasta.gz"),
        shared("uniprot/proteomes/yeast_559292.features.csv.gz"),
    ) else {
        return;
    };
    let mut collector = Collector::new(skipping());
    let mut sequences = BTreeMap::new();
    for protein in protsae::seq::fasta::Reader::new(open(&fasta), false) {
        let protein = protein.unwrap();
        collector.add_sequence(&protein.accession, &protein.sequence);
        sequences.insert(protein.accession, protein.sequence);
    }
    format::read(open(&features), None, "features", &mut collector).unwrap();
    let report = &collector.reports[0];
    assert_eq!(report.bad.len(), 1, "{:?}", report.bad);
    assert!(
        report.bad[0].contains("E9PAE7 has a label at residue 72, but its sequence has 61"),
        "{:?}",
        report.bad
    );
    let mut vocabulary = Vocabulary::new(collector, None, &Choice::default()).unwrap();
    let mut sites = 0;
    vocabulary
        .labels(|label| {
            let letter = match label.concept {
                "MOD_RES:Phosphoserine" => b'S',
                "MOD_RES:Phosphothreonine" => b'T',
                "MOD_RES:Phosphotyrosine" => b'Y',
                _ => return Ok::<(), ()>(()),
            };
            let at = label.start.unwrap() as usize;
            assert_eq!(sequences[label.protein][at - 1], letter, "{label:?}");
            sites += 1;
            Ok(())
        })
        .unwrap();
    assert!(sites > 6_200, "{sites}");
}

#[test]
fn evidence_and_kinds_are_filters() {
    let Some(file) = shared("gaf/biopython/goa_yeast.gaf") else {
        return;
    };
    let experimental = text(&file)
        .lines()
        .filter(|line| !line.starts_with('!'))
        .filter(|line| {
            let code = line.split('\t').nth(6).unwrap();
            "EXP IDA IPI IMP IGI IEP HTP HDA HMP HGI HEP TAS IC"
                .split(' ')
                .any(|c| c == code)
        })
        .count();
    let settings = Settings {
        evidence: "experimental".parse().unwrap(),
        ..Settings::default()
    };
    let (_, report) = read(&file, settings).unwrap();
    assert_eq!(report.kept, experimental as u64);
    let settings = Settings {
        kinds: vec![ConceptKind::Feature],
        ..Settings::default()
    };
    let (_, report) = read(&file, settings).unwrap();
    assert_eq!((report.kept, report.dropped[&DropReason::Kind]), (0, 587));
}

/// File, rows, rows with NOT, gene products, rows of experimental evidence (where it is given as GO codes): as
/// Biopython 1.88 counts them (`tests/bench/count_gaf.py`), of the versions that it reads.
const BIOPYTHON: &[(&str, u64, u64, usize, Option<u64>)] = &[
    (
        "biopython/gene_association.goa_yeast.1.gaf",
        300,
        0,
        228,
        Some(278),
    ),
    ("biopython/goa_yeast.gaf", 587, 0, 139, Some(75)),
    ("biopython/goa_yeast.gpa.59.gpa", 300, 0, 89, None),
    ("ontobio/pombase_single.gaf", 1, 0, 1, Some(0)),
    ("ontobio/test-qualifiers-2.2.gaf", 9, 2, 6, None),
    ("ontobio/test-qualifiers.gaf", 8, 3, 6, None),
    ("ontobio/wb_single_iba.gaf", 1, 0, 1, Some(0)),
    ("ontobio/zfin_test_gaf.gaf", 2, 0, 1, Some(2)),
];

#[test]
fn associations_have_the_counts_of_biopython() {
    for &(path, rows, negated, products, experimental) in BIOPYTHON {
        let Some(file) = shared(&format!("gaf/{path}")) else {
            continue;
        };
        let (collector, report) = read(&file, Settings::default()).unwrap();
        let dropped = report.dropped.get(&DropReason::Negated).copied();
        assert_eq!(
            (report.records, dropped.unwrap_or(0)),
            (rows, negated),
            "{path}"
        );
        if negated == 0 {
            assert_eq!(collector.protein_count(), products, "{path}");
        }
        if let Some(experimental) = experimental {
            let settings = Settings {
                evidence: "experimental".parse().unwrap(),
                ..Settings::default()
            };
            let (_, report) = read(&file, settings).unwrap();
            assert_eq!(report.kept, experimental, "{path}");
        }
    }
}
