//! ESM Cambrian: protein language models of EvolutionaryScale and Biohub, 300M, 600M and 6B.

mod config;

use super::{
    esm,
    family::{Family, is_type},
    names::{Biases, HeadNames, OtherName, TensorNames},
    vocabulary::Tokenization,
};

/// How folders of ESM-C are told and read.
pub(super) const FAMILY: Family = Family {
    name: "ESM-C",
    recognises: |config| is_type(config, "esmc"),
    architecture: config::read,
    tokenization: Tokenization {
        // 64 rows of embeddings for 33 tokens
        spare_rows: 31,
        standard: &[
            "<cls>", "<pad>", "<eos>", "<unk>", "L", "A", "G", "V", "S", "E", "R", "T", "I", "D",
            "P", "K", "Q", "N", "F", "Y", "M", "H", "W", "C", "X", "B", "U", "Z", "O", ".", "-",
            "|", "<mask>",
        ],
        ..esm::TOKENIZATION
    },
};

/// A name in another layout that is of one tensor.
const fn one(name: &'static str, holds: &'static [&'static str; 1]) -> OtherName {
    OtherName { name, holds }
}

/// Queries, keys and values of a block.
const QKV: &[&str] = &[
    "layers.{}.self_attn.q_proj.weight",
    "layers.{}.self_attn.k_proj.weight",
    "layers.{}.self_attn.v_proj.weight",
];
/// The gate and the other factor of a block's MLP.
const GATED: &[&str] = &[
    "layers.{}.mlp.gate_proj.weight",
    "layers.{}.mlp.up_proj.weight",
];

/// Names in the layout of transformers; those of the native layout, and of its checkpoints before, are told by `others`.
const NAMES: TensorNames = TensorNames {
    prefixes: &["esmc."],
    ignored: &[],
    others: &[
        one("embed.weight", &["embed_tokens.weight"]),
        one("transformer.norm.weight", &["norm.weight"]),
        OtherName {
            name: "transformer.blocks.{}.attn.layernorm_qkv.weight",
            holds: QKV,
        },
        OtherName {
            name: "transformer.blocks.{}.attn.layernorm_qkv.1.weight",
            holds: QKV,
        },
        one(
            "transformer.blocks.{}.attn.layernorm_qkv.layer_norm_weight",
            &["layers.{}.input_layernorm.weight"],
        ),
        one(
            "transformer.blocks.{}.attn.layernorm_qkv.0.weight",
            &["layers.{}.input_layernorm.weight"],
        ),
        one(
            "transformer.blocks.{}.attn.layernorm_qkv.layer_norm_bias",
            &["layers.{}.input_layernorm.bias"],
        ),
        one(
            "transformer.blocks.{}.attn.layernorm_qkv.0.bias",
            &["layers.{}.input_layernorm.bias"],
        ),
        one(
            "transformer.blocks.{}.attn.q_ln.weight",
            &["layers.{}.self_attn.q_norm.weight"],
        ),
        one(
            "transformer.blocks.{}.attn.k_ln.weight",
            &["layers.{}.self_attn.k_norm.weight"],
        ),
        one(
            "transformer.blocks.{}.attn.out_proj.weight",
            &["layers.{}.self_attn.o_proj.weight"],
        ),
        one(
            "transformer.blocks.{}.ffn.layer_norm_weight",
            &["layers.{}.post_attention_layernorm.weight"],
        ),
        one(
            "transformer.blocks.{}.ffn.0.weight",
            &["layers.{}.post_attention_layernorm.weight"],
        ),
        one(
            "transformer.blocks.{}.ffn.layer_norm_bias",
            &["layers.{}.post_attention_layernorm.bias"],
        ),
        one(
            "transformer.blocks.{}.ffn.0.bias",
            &["layers.{}.post_attention_layernorm.bias"],
        ),
        OtherName {
            name: "transformer.blocks.{}.ffn.fc1_weight",
            holds: GATED,
        },
        OtherName {
            name: "transformer.blocks.{}.ffn.1.weight",
            holds: GATED,
        },
        one(
            "transformer.blocks.{}.ffn.fc2_weight",
            &["layers.{}.mlp.down_proj.weight"],
        ),
        one(
            "transformer.blocks.{}.ffn.3.weight",
            &["layers.{}.mlp.down_proj.weight"],
        ),
        one("lm_head.0.weight", &["lm_head.dense.weight"]),
        one("lm_head.0.bias", &["lm_head.dense.bias"]),
        one("lm_head.2.weight", &["lm_head.layer_norm.weight"]),
        one("lm_head.2.bias", &["lm_head.layer_norm.bias"]),
        one("lm_head.3.weight", &["lm_head.decoder.weight"]),
        one("lm_head.3.bias", &["lm_head.decoder.bias"]),
        one("sequence_head.0.weight", &["lm_head.dense.weight"]),
        one("sequence_head.0.bias", &["lm_head.dense.bias"]),
        one("sequence_head.2.weight", &["lm_head.layer_norm.weight"]),
        one("sequence_head.2.bias", &["lm_head.layer_norm.bias"]),
        one("sequence_head.3.weight", &["lm_head.decoder.weight"]),
        one("sequence_head.3.bias", &["lm_head.decoder.bias"]),
    ],
    biases: Biases {
        linear: false,
        norms: true,
        last_norm: false,
    },
    words: "embed_tokens.weight",
    positions: None,
    embedding_norm: None,
    blocks: "layers.",
    attention_norm: "input_layernorm",
    qkv: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    query_key_norms: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    relative_bias: None,
    attention_out: "self_attn.o_proj",
    mlp_norm: "post_attention_layernorm",
    mlp_in: "mlp.up_proj",
    mlp_gate: Some("mlp.gate_proj"),
    mlp_out: "mlp.down_proj",
    last_norm: "norm",
    head: Some(HeadNames {
        first: Some(["lm_head.dense", "lm_head.layer_norm"]),
        decoder: "lm_head.decoder.weight",
        bias: "lm_head.decoder.bias",
    }),
};

#[cfg(test)]
mod tests {
    use super::NAMES;

    #[test]
    fn tensors_of_the_native_layout_are_parts() {
        let parts = NAMES.parts("transformer.blocks.11.ffn.fc1_weight");
        let found: Vec<_> = parts
            .iter()
            .map(|p| (p.name.as_str(), p.part, p.parts))
            .collect();
        assert_eq!(
            found,
            [
                ("layers.11.mlp.gate_proj.weight", 0, 2),
                ("layers.11.mlp.up_proj.weight", 1, 2)
            ]
        );
        let whole = NAMES.parts("esmc.layers.3.mlp.down_proj.weight");
        assert_eq!(
            (whole[0].name.as_str(), whole.len()),
            ("layers.3.mlp.down_proj.weight", 1)
        );
        assert_eq!(NAMES.block_of("layers.11.mlp.up_proj.weight"), Some(12));
    }
}
