#!/usr/bin/env python3
"""A PLM in the form that another engine loads, made once: what an engine's run measures is then its own.

    export.py openvino|onnxruntime|esm-cpp MODEL_DIR OUT [CALIBRATION.fasta]

Writes OpenVINO's IR in f32 (OUT ends in .xml), ONNX with both axes dynamic (.onnx), or esm-cpp's GGUF: int8 after
SmoothQuant calibrated on a FASTA's first proteins, as its own guide does; without FASTA in f32.
"""
import json
import pathlib
import sys
import tempfile

import numpy as np

from proteins import ALPHABETS, LONGEST, read_fasta

# proteins that SmoothQuant is calibrated on, and how much of the activations' range it moves into weights (its default)
CALIBRATION, ALPHA = 16, 0.5


def last_hidden_state(folder):
    """A module from tokens and their mask to the last hidden state, and an example of both."""
    import torch
    from transformers import EsmModel

    class LastHiddenState(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = EsmModel.from_pretrained(folder, attn_implementation="sdpa", add_pooling_layer=False).eval()

        def forward(self, ids, mask):
            return self.model(ids, attention_mask=mask).last_hidden_state

    ids = torch.full((2, 12), 5)
    ids[:, 0], ids[:, -1], ids[1, 8:] = 0, 2, 1
    return LastHiddenState(), (ids, (ids != 1).long())


def openvino(folder, out):
    import openvino
    import torch

    module, example = last_hidden_state(folder)
    with torch.inference_mode():
        graph = openvino.convert_model(module, example_input=example)
    openvino.save_model(graph, out, compress_to_fp16=False)


def onnxruntime(folder, out):
    import torch

    module, example = last_hidden_state(folder)
    axes = {0: torch.export.Dim("proteins"), 1: torch.export.Dim("tokens")}
    torch.onnx.export(
        module, example, out, input_names=["ids", "mask"], output_names=["hidden"], dynamo=True,
        dynamic_shapes=(axes, axes), external_data=True,
    )


def esm_cpp(folder, out, calibration=None):
    import esm_cpp
    from safetensors.numpy import load_file, save_file

    config = json.loads(pathlib.Path(folder, "config.json").read_text())
    tensors = load_file(pathlib.Path(folder, "model.safetensors"))
    # the names of the released files: newer versions of transformers write others and leave out the rotary frequencies
    tensors = {
        name.replace(".gamma", ".weight").replace(".beta", ".bias"): tensor
        for name, tensor in tensors.items() if "*" not in name
    }
    head = config["hidden_size"] // config["num_attention_heads"]
    frequencies = (10000.0 ** -(np.arange(0, head, 2) / head)).astype(np.float32)
    for layer in range(config["num_hidden_layers"]):
        tensors[f"esm.encoder.layer.{layer}.attention.self.rotary_embeddings.inv_freq"] = frequencies
    with tempfile.TemporaryDirectory(dir=pathlib.Path(out).parent) as scratch:
        renamed = str(pathlib.Path(scratch, "model.safetensors"))
        save_file(tensors, renamed, metadata={"format": "pt"})
        model = esm_cpp.Model.load_from_safetensors(renamed)
        if calibration:
            observer = esm_cpp.ActivationObserver()
            for sequence in read_fasta(calibration)[:CALIBRATION]:
                tokens = np.array(ALPHABETS["esm"].encoded(sequence[:LONGEST]), np.int32)
                model.forward_with_observer(tokens, np.ones_like(tokens), observer)
            model.apply_smoothquant(observer.percentile(99.9), ALPHA)
            model.quantize_weights()
        model.save_to_gguf(out)


engine, folder, out, *rest = sys.argv[1:]
{"openvino": openvino, "onnxruntime": onnxruntime, "esm-cpp": esm_cpp}[engine](folder, out, *rest)
