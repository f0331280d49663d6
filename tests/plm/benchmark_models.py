"""Random models of the shapes of released ones, in bf16, for benchmarks: the numbers mean nothing."""
import t5_tokenizers
import torch
from transformers import EsmcConfig, EsmcForMaskedLM, EsmcTokenizer, T5Config, T5EncoderModel

# layers, then width and heads
SHAPES = {"esmc_300m": (30, 960, 15), "esmc_600m": (36, 1152, 18), "prott5_xl": (24, 1024, 32)}


def write(name, folder, layers=None):
    """The folder of a model `name`, with `layers` layers or as many as the released one has. ProtT5-XL's encoder has
    1.2 thousand million parameters: 2.4 GB here, and as much memory."""
    released, width, heads = SHAPES[name]
    layers = layers or released
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    if name == "prott5_xl":
        model = T5EncoderModel(T5Config(
            d_model=width, d_kv=128, d_ff=16384, num_layers=layers, num_decoder_layers=layers, num_heads=heads,
            feed_forward_proj="relu", vocab_size=128))
        t5_tokenizers.sentencepiece(folder, 128)
    else:
        model = EsmcForMaskedLM(EsmcConfig(
            hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
            intermediate_size=int((8 / 3 * width + 255) // 256 * 256)))
        EsmcTokenizer().save_pretrained(folder)
    model.save_pretrained(folder)
