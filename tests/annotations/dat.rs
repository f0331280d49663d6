//! `UniProt` flat files against the counts of Biopython 1.88 (`tests/bench/count_dat.py`), and broken ones.

use crate::support::{open, read, shared, skipping};
use protsae::annot::{
    collect::{Collector, DropReason, Settings},
    format::{self, Format},
};

/// File, entries, features, GO references, `InterPro` references, keywords: as Biopython counts them.
const BIOPYTHON: &[(&str, [u64; 5])] = &[
    ("uniprot-core/A0A0A0MSM0.dat", [1, 1, 2, 4, 4]),
    ("uniprot-core/A0A0E2CV74.dat", [1, 3, 0, 0, 3]),
    ("uniprot-core/A0A196N885.dat", [1, 1, 2, 6, 3]),
    ("uniprot-core/A0A663DJA2.dat", [1, 0, 0, 0, 1]),
    ("uniprot-core/A4K2U9.dat", [1, 19, 3, 4, 9]),
    ("uniprot-core/A8EZU1.dat", [1, 4, 5, 3, 8]),
    ("uniprot-core/A8EZU1_D6RDV7.dat", [2, 7, 6, 4, 14]),
    ("uniprot-core/O75398.dat", [1, 78, 20, 3, 19]),
    ("uniprot-core/P03395.dat", [1, 39, 8, 2, 16]),
    ("uniprot-core/P09470.dat", [2, 67, 102, 12, 30]),
    ("uniprot-core/P0DMV6.dat", [1, 3, 4, 0, 6]),
    ("uniprot-core/P13813.dat", [1, 17, 0, 0, 2]),
    ("uniprot-core/P14592.dat", [1, 2, 0, 0, 1]),
    ("uniprot-core/P35626.dat", [1, 14, 9, 10, 9]),
    ("uniprot-core/P50930.dat", [1, 5, 1, 3, 5]),
    ("uniprot-core/P87498.dat", [1, 19, 4, 9, 9]),
    ("uniprot-core/Q03112.dat", [1, 98, 18, 3, 26]),
    ("uniprot-core/Q32K04.dat", [1, 2, 8, 5, 10]),
    ("uniprot-core/Q3SYC2.dat", [1, 12, 10, 1, 14]),
    ("uniprot-core/Q63HN8.dat", [1, 71, 15, 6, 17]),
    ("uniprot-core/Q64524.dat", [1, 58, 16, 3, 12]),
    ("uniprot-core/Q6P2Q9.dat", [1, 270, 24, 14, 14]),
    ("uniprot-core/Q80WC7.dat", [1, 6, 2, 3, 8]),
    ("uniprot-core/Q8DPW5.dat", [1, 3, 6, 5, 5]),
    ("uniprot-core/Q9G0S9.dat", [1, 28, 5, 6, 12]),
    ("uniprot-core/Q9NYP9.dat", [1, 18, 12, 2, 12]),
    ("uniprot-core/Q9S9U6.dat", [1, 4, 6, 5, 6]),
    ("uniprot-core/Q9T4R0.dat", [1, 21, 5, 6, 12]),
    ("uniprot-core/core-P03431.dat", [1, 17, 21, 2, 16]),
    ("uniprot-core/core-P21802.dat", [1, 194, 122, 14, 32]),
    ("uniprot-core/core-Q15758.dat", [1, 60, 20, 3, 20]),
    ("uniprot-core/core-Q70KY3.dat", [1, 80, 5, 6, 9]),
    ("uniprot-core/core-Q84MC7.dat", [1, 34, 9, 2, 10]),
    ("uniprot-core/core-Q8IWB6.dat", [1, 28, 19, 7, 16]),
    ("uniprot-core/core-Q8NDV7.dat", [1, 43, 17, 7, 11]),
    ("uniprot-store/P0A377.43.dat", [1, 59, 3, 7, 4]),
    ("uniprot-store/P21802-1.dat", [1, 0, 0, 0, 0]),
    ("uniprot-store/P21802-2.dat", [1, 0, 0, 0, 0]),
    ("uniprot-store/P21802.dat", [1, 200, 120, 14, 32]),
    ("uniprot-store/P51587.dat", [1, 198, 43, 8, 17]),
    ("uniprot-store/P63150.dat", [1, 10, 3, 5, 4]),
    ("uniprot-store/P97929.dat", [1, 127, 54, 8, 16]),
    ("uniprot-store/Q197D8.25.dat", [1, 7, 2, 0, 6]),
    ("uniprot-store/Q197E7.24.dat", [1, 2, 2, 0, 6]),
    ("uniprot-store/Q197E9.15.dat", [1, 3, 0, 0, 2]),
    ("uniprot-store/Q197F5.21.dat", [1, 0, 0, 0, 3]),
    ("uniprot-store/Q197F7.16.dat", [1, 0, 0, 0, 2]),
    ("uniprot-store/Q197F8.16.dat", [1, 0, 0, 0, 2]),
    ("uniprot-store/Q6GZV4.23.dat", [1, 0, 0, 0, 2]),
    ("uniprot-store/Q6GZV7.24.dat", [1, 0, 0, 0, 3]),
    ("uniprot-store/Q6GZV8.23.dat", [1, 0, 0, 0, 2]),
    ("uniprot-store/Q6GZW0.29.dat", [1, 0, 0, 2, 2]),
    ("uniprot-store/Q6GZW1.24.dat", [1, 0, 0, 0, 3]),
    ("uniprot-store/Q6GZW2.21.dat", [1, 0, 0, 0, 2]),
    ("uniprot-store/Q6GZW4.26.dat", [1, 0, 2, 0, 6]),
    ("uniprot-store/Q6GZX0.31.dat", [1, 0, 0, 1, 2]),
    ("uniprot-store/Q6GZX1.26.dat", [1, 0, 2, 0, 6]),
    ("uniprot-store/Q6GZX2.24.dat", [1, 0, 0, 0, 3]),
    ("uniprot-store/Q6GZX3.29.dat", [1, 0, 2, 1, 6]),
    ("uniprot-store/Q6GZX4.29.dat", [1, 0, 3, 1, 5]),
    ("uniprot-store/uniprotkk-for-taxonomy.dat", [13, 0, 0, 0, 0]),
    ("biopython/H2CNN8.txt", [1, 2, 1, 2, 2]),
    ("biopython/O23729.txt", [1, 2, 2, 5, 3]),
    ("biopython/O95832.txt", [1, 17, 41, 4, 12]),
    ("biopython/P04439.txt", [1, 161, 46, 10, 21]),
    ("biopython/P0A186.txt", [1, 7, 4, 2, 8]),
    ("biopython/P0CK95.txt", [1, 11, 1, 4, 7]),
    ("biopython/P16235.txt", [1, 56, 47, 6, 19]),
    ("biopython/P39896.txt", [1, 4, 3, 6, 4]),
    ("biopython/P60904.txt", [1, 23, 18, 3, 12]),
    ("biopython/P68308.txt", [1, 4, 5, 2, 11]),
    ("biopython/Q13639.txt", [1, 26, 5, 3, 14]),
    ("biopython/Q7Z739.txt", [1, 40, 16, 2, 8]),
    ("biopython/multi_ex.txt", [8, 170, 30, 25, 62]),
    ("uniprot-store/O60260.txt", [1, 150, 144, 7, 1]),
    ("uniprot-store/P03378.txt", [1, 64, 18, 4, 1]),
    ("uniprot-store/Q9JJ00.txt", [1, 25, 51, 1, 17]),
    // Biopython says 28: it takes the second evidence line of two keywords for keywords
    ("uniprot-store/flatFIleSample.txt", [6, 81, 43, 25, 26]),
    ("bioperl/Q8GBD3.swiss", [1, 1, 1, 1, 1]),
    ("bioperl/calm.swiss", [1, 30, 5, 1, 8]),
];

#[test]
fn every_statement_that_biopython_reads_is_read() {
    for (path, expected) in BIOPYTHON {
        let Some(file) = shared(&format!("uniprot/dat/{path}")) else {
            continue;
        };
        let (_, report) = read(&file, Settings::default()).unwrap();
        let dropped: u64 = [DropReason::Isoform, DropReason::UncertainPosition]
            .iter()
            .filter_map(|reason| report.dropped.get(reason))
            .sum();
        let kept = |what| report.kept_by_kind.get(what).copied().unwrap_or(0);
        let found = [
            report.records,
            kept("feature, residue") + dropped,
            kept("go, protein"),
            kept("interpro, protein"),
            kept("keyword, protein"),
        ];
        assert_eq!(found, *expected, "{path}");
    }
}

/// File, entries with those that are bad, bad ones, and what the first error says.
const BROKEN: &[(&str, u64, u64, &str)] = &[
    (
        "trinotate/UniProtTestdata.dat.gz",
        339,
        1,
        "Q04917 is cut off",
    ),
    (
        "uniprot-core/ERROR_ERROR.dat",
        2,
        2,
        "begins no UniProt entry",
    ),
    (
        "uniprot-core/A8EZU1_ERROR_D6RDV7.dat",
        3,
        1,
        "begins no UniProt entry",
    ),
    (
        "uniprot-core/entryReader2.dat",
        4,
        4,
        "begins no UniProt entry",
    ),
    (
        "uniprot-core/entryReader2_2.dat",
        4,
        4,
        "begins no UniProt entry",
    ),
    ("bioperl/roa1.dat", 4, 4, "begins no UniProt entry"),
    ("bioperl/roa1_v2.dat", 1, 1, "begins no UniProt entry"),
    ("bioperl/swisspfam.data", 1, 1, "begins no UniProt entry"),
];

#[test]
fn broken_files_are_refused_or_counted() {
    for (path, entries, bad, message) in BROKEN {
        let Some(file) = shared(&format!("uniprot/dat/{path}")) else {
            continue;
        };
        let load = |settings| {
            let mut collector = Collector::new(settings);
            format::read(open(&file), Some(Format::UniprotDat), path, &mut collector)
                .map(|_| collector.reports[0].clone())
        };
        let error = load(Settings::default()).unwrap_err().to_string();
        assert!(error.contains(message), "{path}: {error}");
        let report = load(skipping()).unwrap();
        assert_eq!(report.records, *entries, "{path}");
        assert_eq!(report.dropped[&DropReason::Bad], *bad, "{path}");
    }
}

#[test]
fn a_sequence_that_is_not_what_the_entry_says_is_an_error() {
    let Some(file) = shared("uniprot/dat/biopython/P68308.txt") else {
        return;
    };
    let text = crate::support::text(&file);
    let load = |text: &str| {
        let mut collector = Collector::new(Settings::default());
        format::read(text.as_bytes(), None, "x", &mut collector).map(|_| collector)
    };
    let collector = load(&text).unwrap();
    assert_eq!(collector.reports[0].format, "uniprot-dat");
    // one residue exchanged, one residue lost
    let (head, sequence) = text.split_once("CRC64;\n").unwrap();
    let exchanged = format!("{head}CRC64;\n{}", sequence.replacen("MN", "MD", 1));
    let lost = format!("{head}CRC64;\n{}", sequence.replacen("MN", "M", 1));
    assert_ne!(exchanged, text);
    assert!(load(&exchanged).unwrap_err().to_string().contains("CRC64"));
    assert!(load(&lost).unwrap_err().to_string().contains("residues"));
}

#[test]
fn sequences_given_decide_under_which_accession_and_whether_they_fit() {
    let Some(file) = shared("uniprot/dat/biopython/P16235.txt") else {
        return;
    };
    let text = crate::support::text(&file);
    let accessions: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("AC   "))
        .flat_map(|line| line.split(';').map(str::trim))
        .filter(|a| !a.is_empty())
        .collect();
    let sequence: Vec<u8> = text
        .lines()
        .filter(|line| line.starts_with("     "))
        .flat_map(|line| line.bytes().filter(u8::is_ascii_uppercase))
        .collect();
    assert!(accessions.len() > 1);
    let load = |accession: &str, sequence: &[u8]| {
        let mut collector = Collector::new(Settings::default());
        collector.restrict_to_sequences();
        collector.add_sequence(accession, sequence);
        format::read(text.as_bytes(), None, "x", &mut collector)
            .map(|_| collector.reports[0].clone())
    };
    let all = load(accessions[0], &sequence).unwrap();
    assert!(all.kept > 100);
    assert_eq!(all.by_secondary_accession, 0);
    let secondary = load(accessions[1], &sequence).unwrap();
    assert_eq!(secondary.kept, all.kept);
    assert_eq!(secondary.by_secondary_accession, 1);
    let other = load("Q00000", &sequence).unwrap();
    assert_eq!(
        (other.kept, other.dropped[&DropReason::OtherProtein]),
        (0, 1)
    );
    let mut changed = sequence;
    changed[3] = if changed[3] == b'A' { b'G' } else { b'A' };
    let error = load(accessions[0], &changed).unwrap_err().to_string();
    assert!(
        error.contains("CRC64") && error.contains("--on-bad skip"),
        "{error}"
    );
}
