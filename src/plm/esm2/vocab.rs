//! `vocab.txt`: one token a line; and how a sequence becomes tokens.

use crate::plm::error::PlmError;
use std::collections::BTreeMap;

/// Most tokens that a vocabulary may hold.
const LARGEST: usize = 1 << 16;

/// Token ids of residues and of the special tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocab {
    letters: [u32; 256],
    tokens: Vec<String>,
    /// `<cls>`, before every sequence.
    pub cls: u32,
    /// `<eos>`, behind every sequence.
    pub eos: u32,
    /// `<mask>`, whose embedding counts as nothing under token dropout.
    pub mask: u32,
}

impl Vocab {
    /// Reads the text of a `vocab.txt`. Letters without a token of their own become `<unk>`, as
    /// transformers' `EsmTokenizer` does.
    ///
    /// # Errors
    /// [`PlmError::Vocab`] where a special token is missing, a token occurs twice, or the number
    /// of tokens is not `size`.
    pub fn from_text(text: &str, size: usize) -> Result<Self, PlmError> {
        let tokens: Vec<String> = text.lines().map(|t| t.trim().to_owned()).collect();
        if tokens.len() != size || size > LARGEST {
            return Err(PlmError::Vocab(format!(
                "{} tokens, config.json says {size}",
                tokens.len()
            )));
        }
        let mut ids = BTreeMap::new();
        for (id, token) in tokens.iter().enumerate() {
            if ids.insert(token.as_str(), id as u32).is_some() {
                return Err(PlmError::Vocab(format!(
                    "line {}: token '{token}' occurs twice",
                    id + 1
                )));
            }
        }
        let id = |token: &str| {
            ids.get(token)
                .copied()
                .ok_or_else(|| PlmError::Vocab(format!("no token '{token}'")))
        };
        let mut letters = [id("<unk>")?; 256];
        for (token, &id) in &ids {
            if let [byte] = token.as_bytes() {
                letters[usize::from(*byte)] = id;
            }
        }
        let (cls, eos, mask) = (id("<cls>")?, id("<eos>")?, id("<mask>")?);
        Ok(Self {
            letters,
            tokens,
            cls,
            eos,
            mask,
        })
    }

    /// The token of a residue.
    #[must_use]
    pub fn token(&self, residue: u8) -> u32 {
        self.letters[usize::from(residue)]
    }

    /// The text of a token id.
    #[must_use]
    pub fn text(&self, id: u32) -> Option<&str> {
        self.tokens.get(id as usize).map(String::as_str)
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token: never so for a vocabulary that was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// `<cls>`, the residues, `<eos>`.
    pub fn encode(&self, residues: &[u8], tokens: &mut Vec<u32>) {
        tokens.push(self.cls);
        tokens.extend(residues.iter().map(|&r| self.token(r)));
        tokens.push(self.eos);
    }
}

/// The residues that a PLM sees: a stop `*` at the end is dropped.
///
/// # Errors
/// [`PlmError::Letter`] for a stop inside, a digit, a blank or anything else that is no residue.
pub fn residues(sequence: &[u8]) -> Result<&[u8], PlmError> {
    let sequence = sequence.strip_suffix(b"*").unwrap_or(sequence);
    for (i, &letter) in sequence.iter().enumerate() {
        if letter.is_ascii_alphabetic() || letter == b'-' || letter == b'.' {
            continue;
        }
        let hint = if letter == b'*' {
            ": a stop inside a protein, split or mend the sequence"
        } else {
            ""
        };
        return Err(PlmError::Letter {
            letter,
            position: i + 1,
            hint,
        });
    }
    Ok(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESM2: &str = "<cls>\n<pad>\n<eos>\n<unk>\nL\nA\nG\nV\nS\nE\nR\nT\nI\nD\nP\nK\nQ\nN\nF\nY\nM\nH\nW\nC\nX\nB\nU\nZ\nO\n.\n-\n<null_1>\n<mask>";

    #[test]
    fn published_tokenizer_cases() {
        let vocab = Vocab::from_text(ESM2, 33).expect("the released vocabulary");
        let mut ids = Vec::new();
        vocab.encode(b"LAGVS", &mut ids);
        assert_eq!(ids, [0, 4, 5, 6, 7, 8, 2]);
        ids.clear();
        vocab.encode(b"WCBJ", &mut ids);
        assert_eq!(ids, [0, 22, 23, 25, 3, 2]);
        assert_eq!((vocab.mask, vocab.text(20)), (32, Some("M")));
    }

    #[test]
    fn a_vocabulary_that_does_not_fit_is_refused() {
        assert!(Vocab::from_text(ESM2, 34).is_err());
        assert!(Vocab::from_text(&ESM2.replace("<mask>", "A"), 33).is_err());
        assert!(Vocab::from_text(&ESM2.replace("<cls>", "<bos>"), 33).is_err());
    }

    #[test]
    fn stops_are_dropped_at_the_end_and_refused_inside() {
        assert_eq!(residues(b"MKT*").expect("a stop at the end"), b"MKT");
        for bad in [&b"MK*T"[..], b"MK1", b"MK T", b"M**"] {
            assert!(residues(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
