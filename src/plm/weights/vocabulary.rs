//! The vocabulary of a folder.

use super::{in_file, open, read_text};
use crate::plm::{
    error::PlmError,
    family::Family,
    vocabulary::{Vocabulary, sources},
};
use std::{io::Read as _, path::Path};

/// One token a line.
const LINES: &str = "vocab.txt";
/// Tokens and rules of a tokenizer.
const TOKENIZER: &str = "tokenizer.json";
/// Pieces of `SentencePiece`.
const PIECES: &str = "spiece.model";
/// Tokens beside the pieces.
const ADDED: &str = "added_tokens.json";
/// Largest file of pieces that is read: those of proteins have a few hundred kB.
const LARGEST_PIECES: u64 = 16 << 20;

/// The vocabulary that a folder brings, or its family's.
pub(super) fn read(
    folder: &Path,
    size: usize,
    family: &'static Family,
) -> Result<Vocabulary, PlmError> {
    let how = &family.tokenization;
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
    if let Some(path) = file(LINES) {
        let tokens = sources::lines(&read_text(&path)?);
        return Vocabulary::of_tokens(tokens, size, how).map_err(in_file(&path));
    }
    if let Some(path) = file(TOKENIZER) {
        let tokens = sources::tokenizer(&read_text(&path)?);
        return tokens
            .and_then(|tokens| Vocabulary::of_tokens(tokens, size, how))
            .map_err(in_file(&path));
    }
    if let Some(path) = file(PIECES) {
        let mut tokens = sources::pieces(&read_bytes(&path)?).map_err(in_file(&path))?;
        if let Some(added) = file(ADDED) {
            sources::add(&mut tokens, &read_text(&added)?).map_err(in_file(&added))?;
        }
        return Vocabulary::of_tokens(tokens, size, how).map_err(in_file(&path));
    }
    let none = |problem| PlmError::NoVocabulary {
        path: folder.to_owned(),
        family: family.name,
        problem,
    };
    if how.standard.is_empty() {
        return Err(none("there is none".into()));
    }
    let tokens = how.standard.iter().map(|&t| t.to_owned()).collect();
    Vocabulary::of_tokens(tokens, size, how).map_err(|error| match error {
        PlmError::Vocabulary(problem) => none(problem),
        other => other,
    })
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, PlmError> {
    let mut bytes = Vec::new();
    let limited = open(path)?.take(LARGEST_PIECES).read_to_end(&mut bytes);
    limited.map_err(|source| PlmError::Io {
        path: path.to_owned(),
        source,
    })?;
    if bytes.starts_with(super::LFS) {
        return Err(PlmError::LfsPointer {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}
