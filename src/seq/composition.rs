//! What the letters of a file of sequences are: residues of proteins, or nucleotides.

/// Letters that were read, of good records and of bad ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Letters {
    all: u64,
    nucleotides: u64,
}

/// Letters of DNA and RNA, which are residues too.
const NUCLEOTIDES: [bool; 256] = {
    let mut letters = [false; 256];
    let mut i = 0;
    let of_both = b"ACGTUNacgtun";
    while i < of_both.len() {
        letters[of_both[i] as usize] = true;
        i += 1;
    }
    letters
};

/// Fewer letters than these say nothing: GATTACA is a peptide too. A quarter of a protein's residues are among those
/// six, so that nine tenths of twenty are so by chance once in a hundred million times.
const TELLING: u64 = 20;

impl Letters {
    pub(super) fn count(&mut self, sequence: &[u8]) {
        let is_nucleotide = |letter: &&u8| NUCLEOTIDES[usize::from(**letter)];
        self.all += sequence.len() as u64;
        self.nucleotides += sequence.iter().filter(is_nucleotide).count() as u64;
    }

    /// Whether nine tenths of them, and of enough, are nucleotides.
    pub(super) fn are_nucleotides(self) -> bool {
        self.all >= TELLING && self.nucleotides * 10 >= self.all * 9
    }
}

#[cfg(test)]
mod tests {
    use crate::seq::fasta::Reader;

    #[test]
    fn nucleotides_are_told_from_proteins_by_enough_letters() {
        let looks = |text: &str| {
            let mut reader = Reader::new(text.as_bytes(), false);
            reader.by_ref().for_each(drop);
            reader.looks_like_nucleotides()
        };
        let dna = format!(">a\n{}\n>b\n{}\n", "ACGT".repeat(15), "gattaca\n".repeat(6));
        assert!(looks(&dna));
        assert!(looks(&format!(">rna\n{}\n", "ACGUN".repeat(20))));
        assert!(!looks(""));
        assert!(!looks(">peptide\nGATTACA\n"));
        assert!(looks(&format!(">a\n{}\n", "ACGTACGTAK".repeat(2))));
        assert!(!looks(">a\nACGTACGTACGTACGTACG\n"));
        // a tenth of other letters, and a little more
        assert!(looks(&format!(">a\n{}\n", "ACGTACGTAK".repeat(10))));
        assert!(!looks(&format!(">a\n{}K\n", "ACGTACGTAK".repeat(10))));
        // also where its records are bad
        assert!(looks(&format!(">a\n{}-\n", "ACGT".repeat(30))));
    }
}
