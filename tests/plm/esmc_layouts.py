"""ESM-C's weights under the names of the package esm: of its versions since 3.4, and of 3.0 to 3.2."""
import json

import torch
from safetensors.torch import save_file

# within a block: transformers' name, name since esm 3.4, name until esm 3.2
BLOCK = [
    ("input_layernorm.weight", "attn.layernorm_qkv.layer_norm_weight", "attn.layernorm_qkv.0.weight"),
    ("input_layernorm.bias", "attn.layernorm_qkv.layer_norm_bias", "attn.layernorm_qkv.0.bias"),
    ("self_attn.q_norm.weight", "attn.q_ln.weight", "attn.q_ln.weight"),
    ("self_attn.k_norm.weight", "attn.k_ln.weight", "attn.k_ln.weight"),
    ("self_attn.o_proj.weight", "attn.out_proj.weight", "attn.out_proj.weight"),
    ("post_attention_layernorm.weight", "ffn.layer_norm_weight", "ffn.0.weight"),
    ("post_attention_layernorm.bias", "ffn.layer_norm_bias", "ffn.0.bias"),
    ("mlp.down_proj.weight", "ffn.fc2_weight", "ffn.3.weight"),
]
# rows of several of transformers' matrices stacked
STACKED = [
    (("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"),
     "attn.layernorm_qkv.weight", "attn.layernorm_qkv.1.weight"),
    (("mlp.gate_proj.weight", "mlp.up_proj.weight"), "ffn.fc1_weight", "ffn.1.weight"),
]
HEAD = [("dense", 0), ("layer_norm", 2), ("decoder", 3)]


def renamed(state, layers, old):
    """The weights of transformers' EsmcForMaskedLM under the names of esm. `old`: until 3.2, which also has no
    prefix before the encoder's names."""
    column, prefix, head = (2, "", "sequence_head") if old else (1, "esmc.", "lm_head")
    out = {f"{prefix}embed.weight": state["esmc.embed_tokens.weight"]}
    for n in range(layers):
        source, target = f"esmc.layers.{n}.", f"{prefix}transformer.blocks.{n}."
        for names in BLOCK:
            out[target + names[column]] = state[source + names[0]]
        for names in STACKED:
            out[target + names[column]] = torch.cat([state[source + part] for part in names[0]])
        if not old:
            # Transformer Engine leaves an empty state beside the modules that it fuses
            for module in ("attn.layernorm_qkv", "ffn"):
                out[f"{target}{module}._extra_state"] = torch.zeros(0, dtype=torch.uint8)
    out[f"{prefix}transformer.norm.weight"] = state["esmc.norm.weight"]
    for part, index in HEAD:
        for kind in ("weight", "bias"):
            out[f"{head}.{index}.{kind}"] = state[f"lm_head.{part}.{kind}"]
    return {key: value.bfloat16() if value.is_floating_point() else value for key, value in out.items()}


def write(outdir, model, tokenizer):
    """`esmc_native`: model.safetensors, and a config.json with the keys from before they were transformers'.
    `esmc_pth`: what torch.save wrote, under the name of the release of December 2024, which had no tokenizer files."""
    config, state = model.config, model.state_dict()
    native = outdir / "esmc_native"
    tokenizer.save_pretrained(native)
    keys = {"model_type": "esmc", "d_model": config.hidden_size, "n_heads": config.num_attention_heads,
            "n_layers": config.num_hidden_layers, "vocab_size": config.vocab_size, "pad_token_id": 1,
            "mask_token_id": 32, "initializer_range": 0.02, "classifier_dropout": 0.1}
    (native / "config.json").write_text(json.dumps(keys, indent=2) + "\n")
    save_file(renamed(state, config.num_hidden_layers, False), native / "model.safetensors", metadata={"format": "pt"})
    pth = outdir / "esmc_pth" / "data" / "weights" / "esmc_300m_2024_12_v0.pth"
    pth.parent.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(outdir / "esmc_pth")
    torch.save(renamed(state, config.num_hidden_layers, True), pth)
