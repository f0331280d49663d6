//! Encoders of T5 (Raffel et al., JMLR 21, 2020) for proteins: `ProtT5` (Elnaggar et al., PAMI 44, 2022), `ProstT5`
//! (Heinzinger et al., NAR Genom. Bioinform. 6, 2024), and Ankh (Elnaggar et al., 2023).

mod config;

use super::{
    family::{Family, is_type},
    names::{Biases, OtherName, TensorNames},
    vocabulary::Tokenization,
};

/// How folders of T5 encoders are told and read.
pub(super) const FAMILY: Family = Family {
    name: "T5 encoder",
    recognises: |config| is_type(config, "t5"),
    architecture: config::read,
    tokenization: Tokenization {
        before: &[],
        // of ProstT5, that amino acids follow; of Ankh 3, that the task is embedding
        prefixes: &["<AA2fold>", "[NLU]"],
        behind: &["</s>"],
        unknown: "<unk>",
        mask: None,
        // Ankh has bare letters
        before_letter: &["▁", ""],
        behind_letter: "",
        read_as_x: b"UZOB",
        no_structure: None,
        // sentinels of the original task, which no file of pieces lists
        spare_rows: 100,
        standard: &[],
    },
};

/// Names in released checkpoints, with a gate in the MLP or without.
const NAMES: TensorNames = TensorNames {
    prefixes: &[],
    ignored: &["decoder.", "lm_head."],
    others: &[OtherName {
        name: "encoder.embed_tokens.weight",
        holds: &["shared.weight"],
    }],
    biases: Biases {
        linear: false,
        norms: false,
        last_norm: false,
    },
    words: "shared.weight",
    positions: None,
    embedding_norm: None,
    blocks: "encoder.block.",
    attention_norm: "layer.0.layer_norm",
    qkv: [
        "layer.0.SelfAttention.q",
        "layer.0.SelfAttention.k",
        "layer.0.SelfAttention.v",
    ],
    query_key_norms: None,
    relative_bias: Some("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
    attention_out: "layer.0.SelfAttention.o",
    mlp_norm: "layer.1.layer_norm",
    mlp_in: "layer.1.DenseReluDense.wi",
    mlp_gate: None,
    mlp_out: "layer.1.DenseReluDense.wo",
    last_norm: "encoder.final_layer_norm",
    head: None,
};

/// Names where the MLP has a gate.
const GATED_NAMES: TensorNames = TensorNames {
    mlp_in: "layer.1.DenseReluDense.wi_1",
    mlp_gate: Some("layer.1.DenseReluDense.wi_0"),
    ..NAMES
};
