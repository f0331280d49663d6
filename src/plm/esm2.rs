//! ESM-2: protein language models of Meta AI (Lin et al., Science 379, 2023).

mod config;

use super::{architecture::TensorNames, family::Family, vocabulary::Tokenization};

/// How folders of ESM-2 are told and read.
pub(crate) const FAMILY: Family = Family {
    name: "ESM-2",
    recognises: |config| config.get("model_type").is_some_and(|t| t == "esm"),
    architecture: config::read,
    tokenization: Tokenization {
        before: &["<cls>"],
        behind: &["<eos>"],
        unknown: "<unk>",
        mask: Some("<mask>"),
        around_letter: ["", ""],
        standard: &[
            "<cls>", "<pad>", "<eos>", "<unk>", "L", "A", "G", "V", "S", "E", "R", "T", "I", "D",
            "P", "K", "Q", "N", "F", "Y", "M", "H", "W", "C", "X", "B", "U", "Z", "O", ".", "-",
            "<null_1>", "<mask>",
        ],
    },
};

/// Names in released checkpoints.
const NAMES: TensorNames = TensorNames {
    prefixes: &["esm."],
    words: "embeddings.word_embeddings.weight",
    blocks: "encoder.layer.",
    attention_norm: "attention.LayerNorm",
    qkv: [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ],
    attention_out: "attention.output.dense",
    mlp_norm: "LayerNorm",
    mlp_in: "intermediate.dense",
    mlp_out: "output.dense",
    last_norm: "encoder.emb_layer_norm_after",
    head_dense: "lm_head.dense",
    head_norm: "lm_head.layer_norm",
    head_decoder: "lm_head.decoder.weight",
    head_bias: "lm_head.bias",
};

#[cfg(test)]
mod tests {
    use super::NAMES;

    #[test]
    fn names_of_every_convention_meet() {
        for name in [
            "esm.encoder.layer.0.LayerNorm.gamma",
            "encoder.layer.0.LayerNorm.weight",
            "esm.encoder.layer.0.LayerNorm.weight",
        ] {
            assert_eq!(NAMES.canonical(name), "encoder.layer.0.LayerNorm.weight");
        }
        assert_eq!(NAMES.canonical("esm.a.LayerNorm.beta"), "a.LayerNorm.bias");
        assert_eq!(NAMES.canonical("lm_head.bias"), "lm_head.bias");
        let block = NAMES.block_of("encoder.layer.11.LayerNorm.weight");
        assert_eq!((block, NAMES.block_of("lm_head.bias")), (Some(12), None));
    }
}
