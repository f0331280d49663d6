//! The ESM models that transformers' `EsmConfig` describes: ESM-2 (Lin et al., Science 379, 2023), ESM-1b (Rives et al.,
//! PNAS 118, 2021), ESM-1v (Meier et al., `NeurIPS` 2021), and SaProt (Su et al., ICLR 2024), an ESM-2 whose tokens are of
//! residues and their structure.

mod config;

use super::{
    family::{Family, is_type},
    names::{Biases, HeadNames, TensorNames},
    vocabulary::Tokenization,
};
use serde_json::Value;

/// Names of the models.
const ESM2: &str = "ESM-2";
const ESM1B: &str = "ESM-1b";
const ESM1V: &str = "ESM-1v";
const SAPROT: &str = "SaProt";

/// Tokens of SaProt are pairs of one of 21 letters of residues and one of 21 of structures, and five special ones.
const SAPROT_TOKENS: u64 = 446;

/// How the tokens of ESM-2 and its kin are made.
pub(super) const TOKENIZATION: Tokenization = Tokenization {
    before: &["<cls>"],
    prefixes: &[],
    behind: &["<eos>"],
    unknown: "<unk>",
    mask: Some("<mask>"),
    before_letter: &[""],
    behind_letter: "",
    read_as_x: b"",
    no_structure: None,
    spare_rows: 0,
    standard: &[
        "<cls>", "<pad>", "<eos>", "<unk>", "L", "A", "G", "V", "S", "E", "R", "T", "I", "D", "P",
        "K", "Q", "N", "F", "Y", "M", "H", "W", "C", "X", "B", "U", "Z", "O", ".", "-", "<null_1>",
        "<mask>",
    ],
};

fn is_saprot(config: &Value) -> bool {
    is_type(config, "esm")
        && config.get("vocab_size").and_then(Value::as_u64) == Some(SAPROT_TOKENS)
}

/// How folders of SaProt are told and read.
pub(super) const SAPROT_FAMILY: Family = Family {
    name: SAPROT,
    recognises: is_saprot,
    architecture: config::read_saprot,
    tokenization: Tokenization {
        behind_letter: "#",
        no_structure: Some(b'#'),
        standard: &[],
        ..TOKENIZATION
    },
};

/// How folders of ESM-2, ESM-1b and ESM-1v are told and read.
pub(super) const FAMILY: Family = Family {
    name: ESM2,
    recognises: |config| is_type(config, "esm"),
    architecture: config::read,
    tokenization: TOKENIZATION,
};

/// Names in released checkpoints.
const NAMES: TensorNames = TensorNames {
    prefixes: &["esm."],
    ignored: &[],
    others: &[],
    biases: Biases {
        linear: true,
        norms: true,
        last_norm: true,
    },
    words: "embeddings.word_embeddings.weight",
    positions: None,
    embedding_norm: None,
    blocks: "encoder.layer.",
    attention_norm: "attention.LayerNorm",
    qkv: [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ],
    query_key_norms: None,
    relative_bias: None,
    attention_out: "attention.output.dense",
    mlp_norm: "LayerNorm",
    mlp_in: "intermediate.dense",
    mlp_gate: None,
    mlp_out: "output.dense",
    last_norm: "encoder.emb_layer_norm_after",
    head: Some(HeadNames {
        first: Some(["lm_head.dense", "lm_head.layer_norm"]),
        decoder: "lm_head.decoder.weight",
        bias: "lm_head.bias",
    }),
};

/// Names of ESM-1v, whose positions are learned.
const ESM1V_NAMES: TensorNames = TensorNames {
    positions: Some("embeddings.position_embeddings.weight"),
    ..NAMES
};

/// Names of ESM-1b, whose embeddings are normalised too.
const ESM1B_NAMES: TensorNames = TensorNames {
    embedding_norm: Some("embeddings.layer_norm"),
    ..ESM1V_NAMES
};

#[cfg(test)]
mod tests {
    use super::NAMES;

    fn canonical(name: &str) -> String {
        NAMES.parts(name).remove(0).name
    }

    #[test]
    fn names_of_every_convention_meet() {
        for name in [
            "esm.encoder.layer.0.LayerNorm.gamma",
            "encoder.layer.0.LayerNorm.weight",
            "esm.encoder.layer.0.LayerNorm.weight",
        ] {
            assert_eq!(canonical(name), "encoder.layer.0.LayerNorm.weight");
        }
        assert_eq!(canonical("esm.a.LayerNorm.beta"), "a.LayerNorm.bias");
        assert_eq!(canonical("lm_head.bias"), "lm_head.bias");
        let block = NAMES.block_of("encoder.layer.11.LayerNorm.weight");
        assert_eq!((block, NAMES.block_of("lm_head.bias")), (Some(12), None));
    }
}
