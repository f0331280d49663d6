//! The files that hold vocabularies: tokens in the order of their ids.

use crate::plm::error::PlmError;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most tokens that a vocabulary may hold.
pub(super) const LARGEST: usize = 1 << 16;

fn odd(problem: &str) -> PlmError {
    PlmError::Vocabulary(problem.to_owned())
}

/// A `vocab.txt`: one token a line.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().map(|t| t.trim().to_owned()).collect()
}

/// A `tokenizer.json` whose model has an id for each token, as an object of ids or as a list of tokens.
///
/// # Errors
/// [`PlmError::Vocabulary`] where it is of another kind, an id is missing, or two tokens have one.
pub(crate) fn tokenizer(text: &str) -> Result<Vec<String>, PlmError> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| odd(&format!("not a tokenizer: {e}")))?;
    let mut by_id = BTreeMap::new();
    let mut insert = |id: u64, token: &str| match by_id.insert(id, token.to_owned()) {
        Some(other) if other != token => Err(odd("not a tokenizer: two tokens have one id")),
        _ => Ok(()),
    };
    let id_of = |id: &Value| {
        let id = id.as_u64();
        id.ok_or_else(|| odd("not a tokenizer: an id that is no number"))
    };
    match value.pointer("/model/vocab") {
        Some(Value::Object(vocab)) => {
            for (token, id) in vocab {
                insert(id_of(id)?, token)?;
            }
        }
        // pieces with their scores, by their ids
        Some(Value::Array(pieces)) => {
            for (id, piece) in pieces.iter().enumerate() {
                let token = piece.get(0).and_then(Value::as_str);
                let token = token.ok_or_else(|| odd("not a tokenizer: a piece without text"))?;
                insert(id as u64, token)?;
            }
        }
        _ => {
            return Err(odd(
                "not a tokenizer: its model has no tokens with their ids",
            ));
        }
    }
    let added = value.get("added_tokens").and_then(Value::as_array);
    for token in added.into_iter().flatten() {
        if let (Some(content), Some(id)) = (
            token.get("content").and_then(Value::as_str),
            token.get("id"),
        ) {
            insert(id_of(id)?, content)?;
        }
    }
    in_order(by_id)
}

/// The tokens of a vocabulary whose ids have no gap.
fn in_order(by_id: BTreeMap<u64, String>) -> Result<Vec<String>, PlmError> {
    if !by_id.keys().copied().eq(0..by_id.len() as u64) {
        return Err(odd(
            "not a tokenizer: ids are not counted from 0 without gaps",
        ));
    }
    Ok(by_id.into_values().collect())
}

/// A `spiece.model` of `SentencePiece`: a message of protocol buffers whose field 1, repeated, is a piece, whose field 1
/// is its text.
///
/// # Errors
/// [`PlmError::Vocabulary`] where it is cut short or something else.
pub(crate) fn pieces(bytes: &[u8]) -> Result<Vec<String>, PlmError> {
    let mut tokens = Vec::new();
    let mut message = Message(bytes);
    while let Some((field, value)) = message.next()? {
        if let (1, Some(piece)) = (field, value) {
            let mut piece = Message(piece);
            let mut text = None;
            while let Some((field, value)) = piece.next()? {
                if field == 1 {
                    text = value;
                }
            }
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            tokens.push(text.ok_or_else(cut)?.to_owned());
            if tokens.len() > LARGEST {
                return Err(odd("more pieces than any protein language model has"));
            }
        }
    }
    if tokens.is_empty() {
        return Err(cut());
    }
    Ok(tokens)
}

fn cut() -> PlmError {
    odd("not a model of SentencePiece, or cut short")
}

/// A field's number, and its bytes where it has a length.
type Field<'a> = (u64, Option<&'a [u8]>);

/// What is left of a message of protocol buffers.
struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    fn number(&mut self) -> Result<u64, PlmError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or_else(cut)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(cut())
    }

    fn bytes(&mut self, count: u64) -> Result<&'a [u8], PlmError> {
        let count = usize::try_from(count).map_err(|_| cut())?;
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next field.
    fn next(&mut self) -> Result<Option<Field<'a>>, PlmError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => {
                self.number()?;
                None
            }
            1 => {
                self.bytes(8)?;
                None
            }
            2 => {
                let length = self.number()?;
                Some(self.bytes(length)?)
            }
            5 => {
                self.bytes(4)?;
                None
            }
            _ => return Err(cut()),
        };
        Ok(Some((tag >> 3, value)))
    }
}

/// Adds the tokens of an `added_tokens.json`, an object of ids; ids between that no token has get names of their own.
///
/// # Errors
/// [`PlmError::Vocabulary`] where it is none, or an id is of another token or beyond anything published.
pub(crate) fn add(tokens: &mut Vec<String>, text: &str) -> Result<(), PlmError> {
    let not = |e: String| PlmError::Vocabulary(format!("not an object of ids: {e}"));
    let added: BTreeMap<String, usize> =
        serde_json::from_str(text).map_err(|e| not(e.to_string()))?;
    let by_id: BTreeMap<usize, String> = added.into_iter().map(|(t, id)| (id, t)).collect();
    for (id, token) in by_id {
        if id >= LARGEST {
            return Err(not(format!("{id}")));
        }
        while tokens.len() <= id {
            tokens.push(format!("<{}>", tokens.len()));
        }
        match &mut tokens[id] {
            held if *held == format!("<{id}>") || *held == token => *held = token,
            held => {
                let text = format!("id {id} is of '{held}' and of '{token}'");
                return Err(PlmError::Vocabulary(text));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_sentencepiece_are_read_and_damage_is_told() {
        // two pieces with scores (field 2, four bytes) and a kind (field 3), then a field of settings
        let mut bytes = Vec::new();
        for text in ["▁A", "</s>"] {
            let piece = [
                &[0x0a, text.len() as u8][..],
                text.as_bytes(),
                &[0x15, 0, 0, 0x80, 0xbf, 0x18, 3],
            ]
            .concat();
            bytes.extend([0x0a, piece.len() as u8]);
            bytes.extend(piece);
        }
        bytes.extend([0x12, 2, 8, 1]);
        assert_eq!(pieces(&bytes).expect("whole"), ["▁A", "</s>"]);
        for end in [1, 5, 12, bytes.len() - 1] {
            assert!(pieces(&bytes[..end]).is_err(), "{end}");
        }
        assert!(pieces(b"").is_err() && pieces(b"version https://git-lfs").is_err());
    }

    #[test]
    fn added_tokens_may_leave_gaps() {
        let mut tokens = vec!["a".to_owned(), "b".to_owned()];
        add(&mut tokens, r#"{"<x>": 3, "b": 1}"#).expect("ids");
        assert_eq!(tokens, ["a", "b", "<2>", "<x>"]);
        assert!(add(&mut tokens, r#"{"c": 0}"#).is_err());
        assert!(add(&mut tokens, r#"{"c": 99999999}"#).is_err());
    }
}
