//! Names of tensors: those by which they are asked for, and what else checkpoints call them.

/// Names of a family's tensors, without their prefix. Those of a block follow `blocks` and its number from 0; norms and
/// linear maps have `.weight` and, as `biases` says, `.bias`.
#[derive(Debug, PartialEq)]
pub struct TensorNames {
    /// What may stand before all names.
    pub prefixes: &'static [&'static str],
    /// How names of tensors begin that the encoder has no use for.
    pub ignored: &'static [&'static str],
    /// What checkpoints of other programs call them.
    pub others: &'static [OtherName],
    /// Which of them have biases.
    pub biases: Biases,
    /// Word embeddings.
    pub words: &'static str,
    /// Embeddings of positions, where they are learned.
    pub positions: Option<&'static str>,
    /// Norm of the embeddings, where there is one.
    pub embedding_norm: Option<&'static str>,
    /// What stands before a block's number.
    pub blocks: &'static str,
    /// Norm before the attention.
    pub attention_norm: &'static str,
    /// Queries, keys and values.
    pub qkv: [&'static str; 3],
    /// Norms of all heads' queries, and of their keys, where there are some.
    pub query_key_norms: Option<[&'static str; 2]>,
    /// What is added to scores by the distance of tokens, in the first block for all; where there is such.
    pub relative_bias: Option<&'static str>,
    /// What the heads' results go through.
    pub attention_out: &'static str,
    /// Norm before the MLP.
    pub mlp_norm: &'static str,
    /// Into the MLP; where it has a gate, the factor that no function is applied to.
    pub mlp_in: &'static str,
    /// Into the gate of the MLP, where it has one.
    pub mlp_gate: Option<&'static str>,
    /// Out of the MLP.
    pub mlp_out: &'static str,
    /// Norm behind the last block.
    pub last_norm: &'static str,
    /// The masked-language-modelling head, where there is one.
    pub head: Option<HeadNames>,
}

/// Names of the masked-language-modelling head.
#[derive(Debug, PartialEq)]
pub struct HeadNames {
    /// First layer and the norm behind it, where there is more than a decoder.
    pub first: Option<[&'static str; 2]>,
    /// The weights of the decoder, where they are not the word embeddings.
    pub decoder: &'static str,
    /// The decoder's bias.
    pub bias: &'static str,
}

/// Which tensors have biases; those that have none are as if they were 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Biases {
    /// Linear maps of the blocks.
    pub linear: bool,
    /// Norms of the blocks and of the embeddings.
    pub norms: bool,
    /// The norm behind the last block.
    pub last_norm: bool,
}

/// A name in checkpoints of another program, and what is found under it.
#[derive(Debug, PartialEq)]
pub struct OtherName {
    /// The name, where `{}` stands for a block's number.
    pub name: &'static str,
    /// The tensors whose rows lie there, in equal numbers one behind the other.
    pub holds: &'static [&'static str],
}

/// A tensor, or equal parts of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name by which it is asked for.
    pub name: String,
    /// Which of the parts, from 0.
    pub part: usize,
    /// Of how many.
    pub parts: usize,
}

impl TensorNames {
    /// What a tensor of a checkpoint is: nothing where the encoder has no use for it.
    ///
    /// Released checkpoints, re-saved ones and those of transformers 5 (`gamma` and `beta` of layer norms) agree on it.
    #[must_use]
    pub fn parts(&self, name: &str) -> Vec<Part> {
        let mut prefixes = self.prefixes.iter();
        let name = prefixes
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name);
        if self.ignored.iter().any(|start| name.starts_with(start)) {
            return Vec::new();
        }
        for other in self.others {
            if let Some(number) = number_in(other.name, name) {
                let parts = other.holds.iter().enumerate().map(|(part, holds)| Part {
                    name: holds.replace("{}", number),
                    part,
                    parts: other.holds.len(),
                });
                return parts.collect();
            }
        }
        let name = if let Some(stem) = name.strip_suffix(".gamma") {
            format!("{stem}.weight")
        } else if let Some(stem) = name.strip_suffix(".beta") {
            format!("{stem}.bias")
        } else {
            name.to_owned()
        };
        vec![Part {
            name,
            part: 0,
            parts: 1,
        }]
    }

    /// The block, from 1, that a tensor is of, by the name by which it is asked for.
    #[must_use]
    pub fn block_of(&self, name: &str) -> Option<usize> {
        let number = name.strip_prefix(self.blocks)?.split('.').next()?;
        number.parse::<usize>().ok()?.checked_add(1)
    }
}

/// What stands in a name for the `{}` of a pattern; nothing (but found) where the pattern has none.
fn number_in<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let Some((before, behind)) = pattern.split_once("{}") else {
        return (pattern == name).then_some("");
    };
    let number = name.strip_prefix(before)?.strip_suffix(behind)?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_numbers_alone() {
        assert_eq!(number_in("a.{}.b", "a.12.b"), Some("12"));
        assert_eq!(number_in("a.{}.b", "a..b"), None);
        assert_eq!(number_in("a.{}.b", "a.1.c.b"), None);
        assert_eq!(number_in("a.b", "a.b"), Some(""));
        assert_eq!(number_in("a.b", "a.bc"), None);
    }
}
