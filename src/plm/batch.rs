//! Token sequences, packed one behind the other.

use super::vocabulary::Vocabulary;
use std::ops::Range;

/// Sequences that are computed together; which ones changes none of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    tokens: Vec<u32>,
    ends: Vec<usize>,
    /// Which tokens of each sequence are residues.
    residues: Vec<Range<usize>>,
}

impl Batch {
    /// A batch without sequences.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sequence of residues among the vocabulary's special tokens.
    pub fn push(&mut self, vocabulary: &Vocabulary, residues: &[u8]) {
        self.push_structured(vocabulary, residues, None);
    }

    /// The same where the structure is known: a letter a residue.
    ///
    /// # Panics
    /// Where there are not as many letters as residues.
    pub fn push_structured(
        &mut self,
        vocabulary: &Vocabulary,
        residues: &[u8],
        structure: Option<&[u8]>,
    ) {
        let residues = vocabulary.encode_structured(residues, structure, &mut self.tokens);
        self.residues.push(residues);
        self.ends.push(self.tokens.len());
    }

    /// Adds a sequence of tokens as it is, special tokens included, of which `residues` are residues.
    ///
    /// # Panics
    /// Where there are none, or fewer than residues.
    pub fn push_tokens(&mut self, tokens: &[u32], residues: Range<usize>) {
        assert!(!tokens.is_empty(), "a sequence has tokens");
        assert!(residues.end <= tokens.len(), "residues are tokens");
        let start = self.tokens.len();
        self.residues
            .push(start + residues.start..start + residues.end);
        self.tokens.extend_from_slice(tokens);
        self.ends.push(self.tokens.len());
    }

    /// All tokens.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Number of sequences.
    #[must_use]
    pub fn sequences(&self) -> usize {
        self.ends.len()
    }

    /// Where a sequence's tokens are.
    #[must_use]
    pub fn range(&self, sequence: usize) -> Range<usize> {
        let begin = if sequence == 0 {
            0
        } else {
            self.ends[sequence - 1]
        };
        begin..self.ends[sequence]
    }

    /// Where a sequence's residues are: its tokens but the special ones.
    #[must_use]
    pub fn residues(&self, sequence: usize) -> Range<usize> {
        self.residues[sequence].clone()
    }

    /// The first and the second half of the sequences, by their tokens; neither is empty where
    /// there are two sequences.
    #[must_use]
    pub fn halves(&self) -> (Self, Self) {
        let middle = self
            .ends
            .partition_point(|&end| end <= self.tokens.len() / 2);
        let middle = middle.clamp(1, self.sequences().max(2) - 1);
        let part = |sequences: Range<usize>| {
            let mut part = Self::new();
            for s in sequences {
                let (tokens, residues) = (self.range(s), self.residues(s));
                let within = residues.start - tokens.start..residues.end - tokens.start;
                part.push_tokens(&self.tokens[tokens], within);
            }
            part
        };
        (part(0..middle), part(middle..self.sequences()))
    }

    /// Tokens of the longest sequence.
    #[must_use]
    pub fn longest(&self) -> usize {
        (0..self.sequences())
            .map(|s| self.range(s).len())
            .max()
            .unwrap_or(0)
    }

    /// Which sequence a token belongs to.
    #[must_use]
    pub fn sequence_of(&self, token: usize) -> usize {
        self.ends.partition_point(|&end| end <= token)
    }

    /// Whether a token is a residue, as opposed to a special token.
    #[must_use]
    pub fn is_residue(&self, token: usize) -> bool {
        self.residues(self.sequence_of(token)).contains(&token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn halves_are_the_whole_whatever_stands_around_residues(
            sequences in prop::collection::vec((0usize..3, 1usize..9, 0usize..3), 2..9),
        ) {
            let mut whole = Batch::new();
            for (i, &(before, residues, behind)) in sequences.iter().enumerate() {
                let tokens = vec![i as u32; before + residues + behind];
                whole.push_tokens(&tokens, before..before + residues);
            }
            let (left, right) = whole.halves();
            prop_assert!(left.sequences() > 0 && right.sequences() > 0);
            prop_assert_eq!([left.tokens(), right.tokens()].concat(), whole.tokens());
            let marks = |batch: &Batch| -> Vec<bool> {
                (0..batch.tokens().len()).map(|t| batch.is_residue(t)).collect()
            };
            prop_assert_eq!([marks(&left), marks(&right)].concat(), marks(&whole));
            for (s, &(before, residues, behind)) in sequences.iter().enumerate() {
                let (tokens, mine) = (whole.range(s), whole.residues(s));
                prop_assert_eq!(mine.start - tokens.start, before);
                prop_assert_eq!((mine.len(), tokens.end - mine.end), (residues, behind));
            }
        }
    }
}
