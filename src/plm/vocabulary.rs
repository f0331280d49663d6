//! Tokens: the vocabulary of a folder, and how a sequence becomes tokens.

use super::error::PlmError;
use crate::seq::alphabet::AMINO_ACIDS;
use serde_json::Value;
use std::{collections::BTreeMap, ops::Range};

/// Most tokens that a vocabulary may hold.
const LARGEST: usize = 1 << 16;

/// How a family makes tokens of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokenization {
    /// Special tokens before a sequence.
    pub(crate) before: &'static [&'static str],
    /// Special tokens behind a sequence.
    pub(crate) behind: &'static [&'static str],
    /// The token of letters that have none of their own.
    pub(crate) unknown: &'static str,
    /// The token of masked residues, where the family has one.
    pub(crate) mask: Option<&'static str>,
    /// What stands around a letter in its token.
    pub(crate) around_letter: [&'static str; 2],
    /// The tokens by their ids, where a folder brings none.
    pub(crate) standard: &'static [&'static str],
}

/// Token ids of residues and of the special tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    letters: [u32; 256],
    tokens: Vec<String>,
    before: Vec<u32>,
    behind: Vec<u32>,
    mask: Option<u32>,
}

impl Vocabulary {
    /// Reads the text of a `vocab.txt`: one token a line.
    ///
    /// # Errors
    /// [`PlmError::Vocabulary`] as [`Self::of_tokens`].
    pub(crate) fn from_lines(
        text: &str,
        size: usize,
        how: &Tokenization,
    ) -> Result<Self, PlmError> {
        let tokens = text.lines().map(|t| t.trim().to_owned()).collect();
        Self::of_tokens(tokens, size, how)
    }

    /// Reads the text of a `tokenizer.json` whose model has an id for each token.
    ///
    /// # Errors
    /// [`PlmError::Vocabulary`] as [`Self::of_tokens`], and where it is of another kind.
    pub(crate) fn from_tokenizer(
        text: &str,
        size: usize,
        how: &Tokenization,
    ) -> Result<Self, PlmError> {
        let odd = |problem: &str| PlmError::Vocabulary(format!("not a tokenizer: {problem}"));
        let value: Value = serde_json::from_str(text).map_err(|e| odd(&e.to_string()))?;
        let Some(Value::Object(vocab)) = value.pointer("/model/vocab") else {
            return Err(odd("its model has no vocabulary of tokens and their ids"));
        };
        let added = value.get("added_tokens").and_then(Value::as_array);
        let added = added.into_iter().flatten().filter_map(|token| {
            let content = token.get("content").and_then(Value::as_str)?;
            Some((content, token.get("id")?))
        });
        let mut by_id = BTreeMap::new();
        for (token, id) in vocab.iter().map(|(t, id)| (t.as_str(), id)).chain(added) {
            let id = id.as_u64().ok_or_else(|| odd("an id that is no number"))?;
            if by_id.insert(id, token).is_some_and(|other| other != token) {
                return Err(odd("two tokens have one id"));
            }
        }
        if !by_id.keys().copied().eq(0..by_id.len() as u64) {
            return Err(odd("ids are not counted from 0 without gaps"));
        }
        let tokens = by_id.into_values().map(str::to_owned).collect();
        Self::of_tokens(tokens, size, how)
    }

    /// The vocabulary of a family, for folders without one.
    ///
    /// # Errors
    /// [`PlmError::Vocabulary`] as [`Self::of_tokens`].
    pub(crate) fn standard(size: usize, how: &Tokenization) -> Result<Self, PlmError> {
        let tokens = how.standard.iter().map(|&t| t.to_owned()).collect();
        Self::of_tokens(tokens, size, how)
    }

    /// A vocabulary of tokens by their ids. Letters without a token of their own become the unknown one, as
    /// transformers' tokenizers do.
    ///
    /// # Errors
    /// [`PlmError::Vocabulary`] where a special token or one of the twenty amino acids is missing, a token occurs
    /// twice, or the number of tokens is not `size`.
    fn of_tokens(tokens: Vec<String>, size: usize, how: &Tokenization) -> Result<Self, PlmError> {
        if tokens.len() != size || size > LARGEST {
            return Err(PlmError::Vocabulary(format!(
                "{} tokens, config.json says {size}",
                tokens.len()
            )));
        }
        let mut ids = BTreeMap::new();
        for (id, token) in tokens.iter().enumerate() {
            if ids.insert(token.as_str(), id as u32).is_some() {
                return Err(PlmError::Vocabulary(format!(
                    "line {}: token '{token}' occurs twice",
                    id + 1
                )));
            }
        }
        let id = |token: &str| {
            let known = ids.get(token).copied();
            known.ok_or_else(|| PlmError::Vocabulary(format!("no token '{token}'")))
        };
        let all = |tokens: &[&str]| -> Result<Vec<u32>, PlmError> {
            tokens.iter().map(|token| id(token)).collect()
        };
        let mut letters = [id(how.unknown)?; 256];
        let [start, end] = how.around_letter;
        for (token, &id) in &ids {
            let letter = token.strip_prefix(start).and_then(|t| t.strip_suffix(end));
            if let Some([byte]) = letter.map(str::as_bytes) {
                letters[usize::from(*byte)] = id;
            }
        }
        for &letter in AMINO_ACIDS {
            id(&format!("{start}{}{end}", char::from(letter)))?;
        }
        Ok(Self {
            letters,
            before: all(how.before)?,
            behind: all(how.behind)?,
            mask: how.mask.map(id).transpose()?,
            tokens,
        })
    }

    /// The token of a residue.
    #[must_use]
    pub fn token(&self, residue: u8) -> u32 {
        self.letters[usize::from(residue)]
    }

    /// The token of masked residues, whose embedding counts as nothing under token dropout; `None` where the family
    /// has none.
    #[must_use]
    pub fn mask(&self) -> Option<u32> {
        self.mask
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

    /// Tokens of a window of so many residues, special tokens included.
    #[must_use]
    pub fn window_tokens(&self, residues: usize) -> usize {
        self.before.len() + residues + self.behind.len()
    }

    /// Adds the tokens of a window, special tokens included, and says which of all tokens are its residues.
    pub fn encode(&self, residues: &[u8], tokens: &mut Vec<u32>) -> Range<usize> {
        tokens.extend_from_slice(&self.before);
        let start = tokens.len();
        tokens.extend(residues.iter().map(|&r| self.token(r)));
        let end = tokens.len();
        tokens.extend_from_slice(&self.behind);
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plm::esm2::FAMILY;

    const ESM2: &str = "<cls>\n<pad>\n<eos>\n<unk>\nL\nA\nG\nV\nS\nE\nR\nT\nI\nD\nP\nK\nQ\nN\nF\nY\nM\nH\nW\nC\nX\nB\nU\nZ\nO\n.\n-\n<null_1>\n<mask>";
    const HOW: Tokenization = FAMILY.tokenization;

    #[test]
    fn published_tokenizer_cases() {
        let vocabulary = Vocabulary::from_lines(ESM2, 33, &HOW).expect("the released vocabulary");
        let mut ids = Vec::new();
        assert_eq!(vocabulary.encode(b"LAGVS", &mut ids), 1..6);
        assert_eq!(ids, [0, 4, 5, 6, 7, 8, 2]);
        assert_eq!(vocabulary.encode(b"WCBJ", &mut ids), 8..12);
        assert_eq!(ids[7..], [0, 22, 23, 25, 3, 2]);
        assert_eq!(
            (vocabulary.mask(), vocabulary.text(20)),
            (Some(32), Some("M"))
        );
        assert_eq!(vocabulary.window_tokens(5), 7);
    }

    #[test]
    fn a_vocabulary_that_does_not_fit_is_refused() {
        for (text, size) in [
            (ESM2.to_owned(), 34),
            (ESM2.replace("<mask>", "A"), 33),
            (ESM2.replace("<cls>", "<bos>"), 33),
            // of pairs of letters, as of a model that sees structures
            (ESM2.replace("\nW\n", "\nW#\n"), 33),
        ] {
            assert!(Vocabulary::from_lines(&text, size, &HOW).is_err(), "{text}");
        }
    }

    #[test]
    fn all_sources_of_a_vocabulary_agree() {
        let want = Vocabulary::from_lines(ESM2, 33, &HOW).expect("the released vocabulary");
        assert_eq!(Vocabulary::standard(33, &HOW).expect("the same"), want);
        let ids: BTreeMap<&str, usize> = ESM2.lines().zip(0..).collect();
        let added = serde_json::json!([{"id": 32, "content": "<mask>", "special": true}]);
        let tokenizer = serde_json::json!({"added_tokens": added, "model": {"vocab": ids}});
        let read = |text: &str| Vocabulary::from_tokenizer(text, 33, &HOW);
        assert_eq!(read(&tokenizer.to_string()).expect("the same"), want);
        for (from, to) in [
            (":32", ":33"),
            (":31", ":30"),
            ("vocab", "merges"),
            ("{", ""),
        ] {
            assert!(read(&tokenizer.to_string().replacen(from, to, 1)).is_err());
        }
    }

    #[test]
    fn letters_may_be_part_of_their_tokens() {
        let tokens: Vec<String> = (AMINO_ACIDS.iter())
            .map(|&letter| format!("▁{}", char::from(letter)))
            .chain(["</s>".into(), "<unk>".into()])
            .collect();
        let how = Tokenization {
            before: &[],
            behind: &["</s>"],
            mask: None,
            around_letter: ["▁", ""],
            ..HOW
        };
        let vocabulary = Vocabulary::of_tokens(tokens, 22, &how).expect("all tokens");
        let mut ids = Vec::new();
        assert_eq!(vocabulary.encode(b"CX", &mut ids), 0..2);
        assert_eq!((ids, vocabulary.mask()), (vec![1, 21, 20], None));
    }
}
