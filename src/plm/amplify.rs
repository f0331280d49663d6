//! AMPLIFY (Fournier et al., 2024), 120M and 350M.

mod config;

use super::{
    family::{Family, is_type},
    names::{Biases, HeadNames, OtherName, TensorNames},
    vocabulary::Tokenization,
};

/// How folders of AMPLIFY are told and read.
pub(super) const FAMILY: Family = Family {
    name: "AMPLIFY",
    recognises: |config| is_type(config, "AMPLIFY"),
    architecture: config::read,
    tokenization: Tokenization {
        before: &["<bos>"],
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
            "<pad>", "<unk>", "<mask>", "<bos>", "<eos>", "|", "L", "A", "G", "V", "S", "E", "R",
            "T", "I", "D", "P", "K", "Q", "N", "F", "Y", "M", "H", "W", "C", "B",
        ],
    },
};

/// Names in released checkpoints.
const NAMES: TensorNames = TensorNames {
    prefixes: &["model."],
    ignored: &[],
    others: &[OtherName {
        name: "transformer_encoder.{}.ffn.w12.weight",
        holds: &[
            "transformer_encoder.{}.ffn.w1.weight",
            "transformer_encoder.{}.ffn.w2.weight",
        ],
    }],
    biases: Biases {
        linear: false,
        norms: false,
        last_norm: false,
    },
    words: "encoder.weight",
    positions: None,
    embedding_norm: None,
    blocks: "transformer_encoder.",
    attention_norm: "attention_norm",
    qkv: ["q", "k", "v"],
    query_key_norms: None,
    relative_bias: None,
    attention_out: "wo",
    mlp_norm: "ffn_norm",
    mlp_in: "ffn.w2",
    mlp_gate: Some("ffn.w1"),
    mlp_out: "ffn.w3",
    last_norm: "layer_norm_2",
    head: Some(HeadNames {
        first: None,
        decoder: "decoder.weight",
        bias: "decoder.bias",
    }),
};
