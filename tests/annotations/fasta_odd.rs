//! Every odd FASTA file of the reference data: accepted with these counts, or refused with this error.
//!
//! Counts of accepted files are those of a second reader, which counts letters below each `>`.

use crate::support::{open, shared};
use protsae::seq::fasta;
use std::{collections::BTreeSet, path::Path};

/// What becomes of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is read.
    Accepted,
    /// The first bad record has this error; the others are read where bad ones are skipped.
    Records(&'static str),
    /// It is no FASTA, whatever is skipped.
    Refused(&'static str),
}
use Outcome::{Accepted, Records, Refused};

/// File, records and residues that are read and records that are skipped under `--on-bad skip`, outcome.
const FILES: &[(&str, usize, usize, usize, Outcome)] = &[
    ("bioperl/badfasta.fa", 3, 991, 0, Accepted),
    (
        "bioperl/bug2473.fasta",
        0,
        0,
        0,
        Refused("line 1: expected a FASTA header ('>'), found '# fasta34 -Q -H -E 1'"),
    ),
    (
        "bioperl/bug3172.fa",
        0,
        0,
        3,
        Records("line 1: record 1 has no id behind '>'"),
    ),
    ("bioperl/cysprot.fa", 7, 2385, 0, Accepted),
    (
        "bioperl/mixed_alphabet.fasta",
        6,
        1680,
        1,
        Records("line 37: record '123' has no residues"),
    ),
    ("bioperl/multi_2.fa", 6, 420, 0, Accepted),
    ("bioperl/seqs.fas", 6, 420, 0, Accepted),
    (
        "bioperl/shotdb.fa",
        5,
        880,
        1,
        Records("line 17: record 'seq6' has no residues"),
    ),
    ("bioperl/spaced_fasta.fa", 37, 12_637, 0, Accepted),
    ("biopython/aster.pro", 1, 107, 0, Accepted),
    (
        "biopython/aster_blast.pro",
        0,
        0,
        0,
        Refused("line 1: expected a FASTA header ('>'), found '# Some header'"),
    ),
    (
        "biopython/aster_pearson.pro",
        0,
        0,
        0,
        Refused("line 1: expected a FASTA header ('>'), found 'Some header'"),
    ),
    (
        "biopython/dups.fasta",
        4,
        19,
        1,
        Records("line 10: the id 'alpha' occurs twice"),
    ),
    ("biopython/elderberry.nu", 1, 2050, 0, Accepted),
    ("biopython/f001", 1, 79, 0, Accepted),
    ("biopython/f003.fa", 2, 112, 0, Accepted),
    (
        "biopython/fa01",
        0,
        0,
        2,
        Records("line 1: record 'AK1H_ECOLI/1-378': '-' at position 31 is a gap"),
    ),
    ("biopython/lavender.nu", 1, 550, 0, Accepted),
    ("biopython/loveliesbleeding.pro", 1, 304, 0, Accepted),
    ("biopython/lupine.nu", 1, 655, 0, Accepted),
    ("biopython/protein_lib.fa", 12, 2267, 0, Accepted),
    ("iprscan5/test_all_appl.fasta", 6, 3861, 0, Accepted),
    (
        "iprscan5/test_nt_redundant.fasta",
        7,
        5774,
        1,
        Records("line 103: the id 'reverse' occurs twice"),
    ),
    ("iprscan5/test_nt_seqs.fasta", 5, 5145, 0, Accepted),
    ("iprscan5/test_proteins.fasta", 6, 1610, 0, Accepted),
    ("iprscan5/test_proteins_new.fasta", 6, 1439, 0, Accepted),
    (
        "iprscan5/test_proteins_redundant.fasta",
        5,
        2463,
        3,
        Records("line 19: the id 'Q97R95' occurs twice"),
    ),
    ("iprscan5/test_single_protein.fasta", 1, 248, 0, Accepted),
    ("iprscan6/empty.fasta", 0, 0, 0, Accepted),
    ("iprscan6/nt_seqs.fasta", 5, 5145, 0, Accepted),
    (
        "iprscan6/test.illegal.faa",
        0,
        0,
        1,
        Records("line 1: record 'A0A000': '1' at position 24 is no residue"),
    ),
    ("needletail/AAC12660.fasta", 1, 504, 0, Accepted),
    ("needletail/EFTU_BACSU.fasta", 1, 396, 0, Accepted),
    ("needletail/alnfile.fasta", 4, 100, 0, Accepted),
    ("needletail/amino.fasta", 2, 405, 0, Accepted),
    ("needletail/aster.fasta", 1, 107, 0, Accepted),
    ("needletail/badfasta.fasta", 3, 991, 0, Accepted),
    (
        "needletail/bug2901.fasta",
        2,
        106,
        2,
        Records("line 5: record 'seq3': '-' at position 24 is a gap"),
    ),
    ("needletail/centaurea.fasta", 1, 1002, 0, Accepted),
    ("needletail/cysprot1.fasta", 1, 343, 0, Accepted),
    ("needletail/cysprot1a.fasta", 3, 1040, 0, Accepted),
    ("needletail/cysprot1b.fasta", 4, 1345, 0, Accepted),
    ("needletail/dna2.fasta", 2, 560, 0, Accepted),
    ("needletail/dnaE-bsub-prot.fasta", 1, 603, 0, Accepted),
    ("needletail/dnaE-bsub.fasta", 1, 2001, 0, Accepted),
    ("needletail/ecolitst.fasta", 1, 820, 0, Accepted),
    (
        "needletail/example1.txt",
        2,
        3128,
        3,
        Records("line 48: the id 'At1g65300:' occurs twice"),
    ),
    ("needletail/example2.txt", 1, 1131, 0, Accepted),
    ("needletail/f001.fasta", 1, 79, 0, Accepted),
    ("needletail/f002.fasta", 3, 1517, 0, Accepted),
    (
        "needletail/f003.fasta",
        0,
        0,
        0,
        Refused("line 1: expected a FASTA header ('>'), found '# This file has comm'"),
    ),
    ("needletail/forward_primer.fasta", 1, 20, 0, Accepted),
    (
        "needletail/forward_reverse_primers.fasta",
        2,
        35,
        0,
        Accepted,
    ),
    ("needletail/genomic-seq.fasta", 1, 168_628, 0, Accepted),
    (
        "needletail/hs_owlmonkey.fasta",
        0,
        0,
        2,
        Records("line 1: record 'human': '-' at position 28 is a gap"),
    ),
    (
        "needletail/index.toml",
        0,
        0,
        0,
        Refused("line 1: expected a FASTA header ('>'), found '[[valid]]'"),
    ),
    ("needletail/lavender.fasta", 1, 550, 0, Accepted),
    ("needletail/lupine.fasta", 1, 655, 0, Accepted),
    ("needletail/phlox.fasta", 1, 623, 0, Accepted),
    (
        "needletail/pictogram.fasta",
        4,
        36,
        10,
        Records("line 7: the id 'seq3' occurs twice"),
    ),
    ("needletail/primedseq.fasta", 1, 218, 0, Accepted),
    ("needletail/rose.fasta", 1, 600, 0, Accepted),
    ("needletail/rosemary.fasta", 1, 473, 0, Accepted),
    ("needletail/spaced_fasta.fasta", 37, 12_637, 0, Accepted),
    ("needletail/test.fasta", 2, 716, 0, Accepted),
    (
        "needletail/testaln2.fasta",
        0,
        0,
        15,
        Records("line 1: record 'AK1H_ECOLI/114-431': '-' at position 31 is a gap"),
    ),
    ("needletail/wisteria.fasta", 1, 2551, 0, Accepted),
    (
        "seqkit/Lactococcus-lactis-phage-BK5-T-ORF25.fasta",
        1,
        228,
        0,
        Accepted,
    ),
    (
        "seqkit/a.fa",
        0,
        0,
        3,
        Records("line 1: record 'A': '1' at position 2 is no residue"),
    ),
    ("seqkit/contigs.fa", 9, 54, 0, Accepted),
    (
        "seqkit/empty_id_and_seq.fa",
        5,
        5,
        6,
        Records("line 3: record 's2' has no residues"),
    ),
    ("seqkit/hsa.fa", 4, 40, 0, Accepted),
    (
        "transdecoder/Trinity.fasta.transdecoder.pep.gz",
        208,
        32165,
        0,
        Accepted,
    ),
];

#[test]
fn every_file_is_accepted_with_its_counts_or_refused_with_its_error() {
    for &(path, records, residues, skipped, outcome) in FILES {
        let Some(file) = shared(&format!("fasta_odd/{path}")) else {
            continue;
        };
        let (mut found, mut first, mut bad) = ((0, 0), None, 0);
        for protein in fasta::Reader::new(open(&file), false) {
            match protein {
                Ok(protein) => {
                    found.0 += 1;
                    found.1 += protein.sequence.len();
                }
                Err(error) => {
                    let is_last = !error.is_of_one_record();
                    first.get_or_insert(error.to_string());
                    if is_last {
                        assert!(matches!(outcome, Refused(_)), "{path}: {first:?}");
                        break;
                    }
                    bad += 1;
                }
            }
        }
        assert_eq!((found, bad), ((records, residues), skipped), "{path}");
        match outcome {
            Accepted => assert_eq!(first, None, "{path}"),
            Records(expected) | Refused(expected) => {
                let error = first.unwrap_or_default();
                assert!(error.starts_with(expected), "{path}: {error}");
            }
        }
    }
}

#[test]
fn no_file_is_left_out() {
    let Some(root) = shared("fasta_odd") else {
        return;
    };
    let listed: BTreeSet<String> = FILES.iter().map(|row| row.0.to_owned()).collect();
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
