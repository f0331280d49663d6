//! Every odd FASTA file of the reference data: accepted with these counts, or refused with this error.
//!
//! Counts of accepted files are those of a second reader, which counts letters below each `>`.

use crate::support::{open, shared};
use protsae::seq::fasta;
use std::{collections::BTreeSet, path::Path};

/// Files that are read whole: records and residues.
const ACCEPTED: &[(&str, usize, usize)] = &[
    ("bioperl/badfasta.fa", 3, 991),
    ("bioperl/cysprot.fa", 7, 2385),
    ("bioperl/multi_2.fa", 6, 420),
    ("bioperl/seqs.fas", 6, 420),
    ("bioperl/spaced_fasta.fa", 37, 12_637),
    ("biopython/aster.pro", 1, 107),
    ("biopython/elderberry.nu", 1, 2050),
    ("biopython/f001", 1, 79),
    ("biopython/f003.fa", 2, 112),
    ("biopython/lavender.nu", 1, 550),
    ("biopython/loveliesbleeding.pro", 1, 304),
    ("biopython/lupine.nu", 1, 655),
    ("biopython/protein_lib.fa", 12, 2267),
    ("iprscan5/test_all_appl.fasta", 6, 3861),
    ("iprscan5/test_nt_seqs.fasta", 5, 5145),
    ("iprscan5/test_proteins.fasta", 6, 1610),
    ("iprscan5/test_proteins_new.fasta", 6, 1439),
    ("iprscan5/test_single_protein.fasta", 1, 248),
    ("iprscan6/empty.fasta", 0, 0),
    ("iprscan6/nt_seqs.fasta", 5, 5145),
    ("needletail/AAC12660.fasta", 1, 504),
    ("needletail/EFTU_BACSU.fasta", 1, 396),
    ("needletail/alnfile.fasta", 4, 100),
    ("needletail/amino.fasta", 2, 405),
    ("needletail/aster.fasta", 1, 107),
    ("needletail/badfasta.fasta", 3, 991),
    ("needletail/centaurea.fasta", 1, 1002),
    ("needletail/cysprot1.fasta", 1, 343),
    ("needletail/cysprot1a.fasta", 3, 1040),
    ("needletail/cysprot1b.fasta", 4, 1345),
    ("needletail/dna2.fasta", 2, 560),
    ("needletail/dnaE-bsub-prot.fasta", 1, 603),
    ("needletail/dnaE-bsub.fasta", 1, 2001),
    ("needletail/ecolitst.fasta", 1, 820),
    ("needletail/example2.txt", 1, 1131),
    ("needletail/f001.fasta", 1, 79),
    ("needletail/f002.fasta", 3, 1517),
    ("needletail/forward_primer.fasta", 1, 20),
    ("needletail/forward_reverse_primers.fasta", 2, 35),
    ("needletail/genomic-seq.fasta", 1, 168_628),
    ("needletail/lavender.fasta", 1, 550),
    ("needletail/lupine.fasta", 1, 655),
    ("needletail/phlox.fasta", 1, 623),
    ("needletail/primedseq.fasta", 1, 218),
    ("needletail/rose.fasta", 1, 600),
    ("needletail/rosemary.fasta", 1, 473),
    ("needletail/spaced_fasta.fasta", 37, 12_637),
    ("needletail/test.fasta", 2, 716),
    ("needletail/wisteria.fasta", 1, 2551),
    ("seqkit/Lactococcus-lactis-phage-BK5-T-ORF25.fasta", 1, 228),
    ("seqkit/contigs.fa", 9, 54),
    ("seqkit/hsa.fa", 4, 40),
    (
        "transdecoder/Trinity.fasta.transdecoder.pep.gz",
        208,
        32_165,
    ),
];

/// Files with bad records: records and residues that are read and records that are left out under
/// `--on-bad skip`, and the first error.
const WITH_BAD_RECORDS: &[(&str, usize, usize, usize, &str)] = &[
    (
        "bioperl/bug3172.fa",
        0,
        0,
        3,
        "line 1: record 1 has no id behind '>'",
    ),
    (
        "bioperl/mixed_alphabet.fasta",
        6,
        1680,
        1,
        "line 37: record '123' has no residues",
    ),
    (
        "bioperl/shotdb.fa",
        5,
        880,
        1,
        "line 17: record 'seq6' has no residues",
    ),
    (
        "biopython/dups.fasta",
        4,
        19,
        1,
        "line 10: the id 'alpha' occurs twice",
    ),
    (
        "biopython/fa01",
        0,
        0,
        2,
        "line 1: record 'AK1H_ECOLI/1-378': '-' at position 31 is a gap",
    ),
    (
        "iprscan5/test_nt_redundant.fasta",
        7,
        5774,
        1,
        "line 103: the id 'reverse' occurs twice",
    ),
    (
        "iprscan5/test_proteins_redundant.fasta",
        5,
        2463,
        3,
        "line 19: the id 'Q97R95' occurs twice",
    ),
    (
        "iprscan6/test.illegal.faa",
        0,
        0,
        1,
        "line 1: record 'A0A000': '1' at position 24 is no residue",
    ),
    (
        "needletail/bug2901.fasta",
        2,
        106,
        2,
        "line 5: record 'seq3': '-' at position 24 is a gap",
    ),
    (
        "needletail/example1.txt",
        2,
        3128,
        3,
        "line 48: the id 'At1g65300:' occurs twice",
    ),
    (
        "needletail/hs_owlmonkey.fasta",
        0,
        0,
        2,
        "line 1: record 'human': '-' at position 28 is a gap",
    ),
    (
        "needletail/pictogram.fasta",
        4,
        36,
        10,
        "line 7: the id 'seq3' occurs twice",
    ),
    (
        "needletail/testaln2.fasta",
        0,
        0,
        15,
        "line 1: record 'AK1H_ECOLI/114-431': '-' at position 31 is a gap",
    ),
    (
        "seqkit/a.fa",
        0,
        0,
        3,
        "line 1: record 'A': '1' at position 2 is no residue",
    ),
    (
        "seqkit/empty_id_and_seq.fa",
        5,
        5,
        6,
        "line 3: record 's2' has no residues",
    ),
];

/// Files that are no FASTA, whatever is skipped: what the first line is instead.
const REFUSED: &[(&str, &str)] = &[
    ("bioperl/bug2473.fasta", "'# fasta34 -Q -H -E 1'"),
    ("biopython/aster_blast.pro", "'# Some header'"),
    ("biopython/aster_pearson.pro", "'Some header'"),
    ("needletail/f003.fasta", "'# This file has comm'"),
    ("needletail/index.toml", "'[[valid]]'"),
];

/// What a file gives: records, residues, bad records that can be skipped, and the first error.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    records: usize,
    residues: usize,
    bad: usize,
    is_refused: bool,
    error: Option<String>,
}

/// Reads a file as under `--on-bad skip`; none without the reference data.
fn read(path: &str) -> Option<Found> {
    let file = shared(&format!("fasta_odd/{path}"))?;
    let mut found = Found::default();
    for protein in fasta::Reader::new(open(&file), false) {
        match protein {
            Ok(protein) => {
                found.records += 1;
                found.residues += protein.sequence.len();
            }
            Err(error) => {
                found.error.get_or_insert(error.to_string());
                found.is_refused = !error.is_of_one_record();
                if found.is_refused {
                    break;
                }
                found.bad += 1;
            }
        }
    }
    Some(found)
}

#[test]
fn files_are_read_whole() {
    for &(path, records, residues) in ACCEPTED {
        let Some(found) = read(path) else { continue };
        let expected = Found {
            records,
            residues,
            ..Found::default()
        };
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn bad_records_are_named_and_left_out() {
    for &(path, records, residues, bad, error) in WITH_BAD_RECORDS {
        let Some(found) = read(path) else { continue };
        let counts = (found.records, found.residues, found.bad, found.is_refused);
        assert_eq!(counts, (records, residues, bad, false), "{path}");
        let first = found.error.unwrap_or_default();
        assert!(first.starts_with(error), "{path}: {first}");
    }
}

#[test]
fn what_is_no_fasta_is_refused() {
    for &(path, beginning) in REFUSED {
        let Some(found) = read(path) else { continue };
        let counts = (found.records, found.residues, found.bad, found.is_refused);
        assert_eq!(counts, (0, 0, 0, true), "{path}");
        let error = found.error.unwrap_or_default();
        let expected = format!("line 1: expected a FASTA header ('>'), found {beginning}");
        assert!(error.starts_with(&expected), "{path}: {error}");
    }
}

#[test]
fn no_file_is_left_out() {
    let Some(root) = shared("fasta_odd") else {
        return;
    };
    let listed: BTreeSet<String> = (ACCEPTED.iter().map(|row| row.0))
        .chain(WITH_BAD_RECORDS.iter().map(|row| row.0))
        .chain(REFUSED.iter().map(|row| row.0))
        .map(str::to_owned)
        .collect();
    let mut found = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name: &Path = path.strip_prefix(&root).unwrap();
                found.insert(name.display().to_string());
            }
        }
    }
    assert_eq!(found, listed);
}
