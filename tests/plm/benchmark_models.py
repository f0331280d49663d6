"""Random models of the shapes of released ones, in bf16, for benchmarks: the numbers mean nothing, but stay finite."""
import t5_tokenizers
import torch
from safetensors.torch import save_file
from transformers import EsmcConfig, EsmcForMaskedLM, EsmcTokenizer, T5Config, T5EncoderModel

# layers, width, heads
SHAPES = {"esmc_300m": (30, 960, 15), "esmc_600m": (36, 1152, 18), "prott5_xl": (24, 1024, 32)}


def write(name, folder, layers=None):
    """The folder of a model `name`, with `layers` layers or as many as the released one has. ProtT5-XL's encoder has
    1.2 thousand million parameters: 2.4 GB, on the disk and in memory."""
    released, width, heads = SHAPES[name]
    layers = layers or released
    folder.mkdir(parents=True, exist_ok=True)
    # only names and shapes: transformers would draw every number on its own, for minutes
    with torch.device("meta"):
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
    model.config.architectures, model.config.dtype = [type(model).__name__], "bfloat16"
    model.config.save_pretrained(folder)
    torch.manual_seed(0)
    # a prime length, so that no two rows of a matrix are alike
    pool = torch.randn(1_000_003).bfloat16()
    state = {key: drawn(key, value.shape, pool) for key, value in model.state_dict().items()
             if key != "encoder.embed_tokens.weight"}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def drawn(key, shape, pool):
    if len(shape) == 1:
        return torch.full(shape, 0.0 if key.endswith("bias") else 1.0, dtype=torch.bfloat16)
    count = shape.numel()
    spread = 1.0 if "embed" in key or key == "shared.weight" else shape[1] ** -0.5
    # T5 does not divide the products of queries and keys by the square root of a head's width
    spread *= 128 ** -0.5 if "SelfAttention.q" in key else 1
    numbers = pool.roll(-len(key) * 7919).repeat(count // len(pool) + 1)[:count]
    return numbers.mul_(spread).view(shape)
