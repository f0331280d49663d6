//! Tokens: the vocabulary of a folder, and how a sequence becomes tokens.

pub(crate) mod sources;

use super::error::PlmError;
use crate::seq::alphabet::AMINO_ACIDS;
use sources::LARGEST;
use std::{collections::BTreeMap, ops::Range};

/// How a family makes tokens of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokenization {
    /// Special tokens before a sequence.
    pub(crate) before: &'static [&'static str],
    /// Of these the first that the vocabulary has stands before a sequence too: what tells the model its task.
    pub(crate) prefixes: &'static [&'static str],
    /// Special tokens behind a sequence.
    pub(crate) behind: &'static [&'static str],
    /// The token of letters that have none of their own.
    pub(crate) unknown: &'static str,
    /// The token of masked residues, where the family has one.
    pub(crate) mask: Option<&'static str>,
    /// What may stand before a letter in its token: of these the first with which the vocabulary has amino acids.
    pub(crate) before_letter: &'static [&'static str],
    /// What stands behind a letter in its token.
    pub(crate) behind_letter: &'static str,
    /// Letters that are read as X.
    pub(crate) read_as_x: &'static [u8],
    /// The letter that says of a structure's letters that there is none; `None` where tokens are of residues alone.
    pub(crate) no_structure: Option<u8>,
    /// How many rows of embeddings there may be beyond the tokens that a file names.
    pub(crate) spare_rows: usize,
    /// The tokens by their ids, where a folder brings none; empty: a folder must.
    pub(crate) standard: &'static [&'static str],
}

/// The token of each letter.
type Letters = [u32; 256];

/// Token ids of residues and of the special tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    letters: Letters,
    /// The same where a residue's structure is known, by its letter; empty where tokens are of residues alone.
    structures: BTreeMap<u8, Letters>,
    tokens: Vec<String>,
    before: Vec<u32>,
    behind: Vec<u32>,
    mask: Option<u32>,
}

impl Vocabulary {
    /// A vocabulary of tokens by their ids. Letters without a token of their own become the unknown one, as
    /// transformers' tokenizers do.
    ///
    /// # Errors
    /// [`PlmError::Vocabulary`] where a special token or one of the twenty amino acids is missing, a token occurs
    /// twice, or the number of tokens does not fit the `size` of the embeddings.
    pub(crate) fn of_tokens(
        tokens: Vec<String>,
        size: usize,
        how: &Tokenization,
    ) -> Result<Self, PlmError> {
        let spare = size.checked_sub(tokens.len());
        if spare.is_none_or(|rows| rows > how.spare_rows) || size > LARGEST {
            let spare = match how.spare_rows {
                0 => String::new(),
                rows => format!(", of which up to {rows} may be without a name"),
            };
            return Err(PlmError::Vocabulary(format!(
                "{} tokens, config.json says {size}{spare}",
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
        let has = |start: &str| {
            AMINO_ACIDS.iter().any(|&letter| {
                ids.contains_key(&*format!(
                    "{start}{}{}",
                    char::from(letter),
                    how.behind_letter
                ))
            })
        };
        let starts = how.before_letter;
        let start = starts.iter().find(|start| has(start)).or(starts.first());
        let (start, end) = (start.copied().unwrap_or(""), how.behind_letter);
        let table = |end: &str, unknown: u32| {
            let mut letters = [unknown; 256];
            for (token, &id) in &ids {
                let letter = token.strip_prefix(start).and_then(|t| t.strip_suffix(end));
                if let Some([byte]) = letter.map(str::as_bytes) {
                    letters[usize::from(*byte)] = id;
                }
            }
            for &letter in how.read_as_x {
                letters[usize::from(letter)] = letters[usize::from(b'X')];
            }
            letters
        };
        for &letter in AMINO_ACIDS {
            id(&format!("{start}{}{end}", char::from(letter)))?;
        }
        let mut structures = BTreeMap::new();
        if let Some(none) = how.no_structure.map(char::from) {
            let unknown = id(how.unknown)?;
            for token in ids.keys() {
                // each letter of a structure has a token without a residue
                if let Some([letter]) = token.strip_prefix(none).map(str::as_bytes) {
                    let end = char::from(*letter).to_string();
                    structures.insert(*letter, table(&end, unknown));
                }
            }
        }
        let mut before = all(how.before)?;
        before.extend(how.prefixes.iter().find_map(|prefix| ids.get(prefix)));
        Ok(Self {
            letters: table(end, id(how.unknown)?),
            structures,
            before,
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

    /// Whether tokens are of residues and their structure.
    #[must_use]
    pub fn has_structures(&self) -> bool {
        !self.structures.is_empty()
    }

    /// Whether a letter is one of a structure's.
    #[must_use]
    pub fn is_structure(&self, letter: u8) -> bool {
        self.structures.contains_key(&letter)
    }

    /// Adds the tokens of a window, special tokens included, and says which of all tokens are its residues.
    pub fn encode(&self, residues: &[u8], tokens: &mut Vec<u32>) -> Range<usize> {
        self.encode_structured(residues, None, tokens)
    }

    /// The same where the structure is known: a letter a residue. Letters of no structure count as unknown.
    ///
    /// # Panics
    /// Where there are not as many letters as residues.
    pub fn encode_structured(
        &self,
        residues: &[u8],
        structure: Option<&[u8]>,
        tokens: &mut Vec<u32>,
    ) -> Range<usize> {
        tokens.extend_from_slice(&self.before);
        let start = tokens.len();
        match structure {
            None => tokens.extend(residues.iter().map(|&r| self.token(r))),
            Some(structure) => {
                assert_eq!(residues.len(), structure.len(), "letters of a structure");
                tokens.extend(residues.iter().zip(structure).map(|(&r, letter)| {
                    let letters = self.structures.get(letter).unwrap_or(&self.letters);
                    letters[usize::from(r)]
                }));
            }
        }
        let end = tokens.len();
        tokens.extend_from_slice(&self.behind);
        start..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plm::esm::TOKENIZATION;

    const ESM2: &str = "<cls>\n<pad>\n<eos>\n<unk>\nL\nA\nG\nV\nS\nE\nR\nT\nI\nD\nP\nK\nQ\nN\nF\nY\nM\nH\nW\nC\nX\nB\nU\nZ\nO\n.\n-\n<null_1>\n<mask>";
    const HOW: Tokenization = TOKENIZATION;

    #[test]
    fn published_tokenizer_cases() {
        let vocabulary =
            Vocabulary::of_tokens(sources::lines(ESM2), 33, &HOW).expect("the released vocabulary");
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
            assert!(
                Vocabulary::of_tokens(sources::lines(&text), size, &HOW).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn all_sources_of_a_vocabulary_agree() {
        let want =
            Vocabulary::of_tokens(sources::lines(ESM2), 33, &HOW).expect("the released vocabulary");
        let standard = HOW.standard.iter().map(|&t| t.to_owned()).collect();
        assert_eq!(
            Vocabulary::of_tokens(standard, 33, &HOW).expect("the same"),
            want
        );
        let ids: BTreeMap<&str, usize> = ESM2.lines().zip(0..).collect();
        let added = serde_json::json!([{"id": 32, "content": "<mask>", "special": true}]);
        let tokenizer = serde_json::json!({"added_tokens": added, "model": {"vocab": ids}});
        let read = |text: &str| {
            sources::tokenizer(text).and_then(|tokens| Vocabulary::of_tokens(tokens, 33, &HOW))
        };
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
            before_letter: &["▁"],
            ..HOW
        };
        let vocabulary = Vocabulary::of_tokens(tokens, 22, &how).expect("all tokens");
        let mut ids = Vec::new();
        assert_eq!(vocabulary.encode(b"CX", &mut ids), 0..2);
        assert_eq!((ids, vocabulary.mask()), (vec![1, 21, 20], None));
    }
}
