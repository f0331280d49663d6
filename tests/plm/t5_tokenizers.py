"""Tokenizer files of T5 protein models, with the pieces and ids of the released ones, and how text is put to them.

ProtT5 and Ankh have the same 28 pieces at the same ids: three special ones, then letters by how frequent they are.
ProtT5's are words of SentencePiece (a mark stands before each letter, so the letters are written with spaces); Ankh's
are bare letters in a tokenizer.json. ProstT5 adds 22 tokens: the 3Di states and two prefixes.
Each function writes the files into `folder` and returns tokenize(text, prefix) -> ids by transformers.
"""
import json

from sentencepiece import sentencepiece_model_pb2
from transformers import PreTrainedTokenizerFast, T5Tokenizer

SPECIAL = ["<pad>", "</s>", "<unk>"]
LETTERS = "ALGVSREDTIPKFQNYMHWCXBOUZ"
EXTRA = 100


def score(i):
    """A logarithm of a probability; no text of letters is cut by it."""
    return -2.0 - i / 8


def sentencepiece(folder, _vocabulary):
    """ProtT5: spiece.model, special_tokens_map.json, tokenizer_config.json."""
    model = sentencepiece_model_pb2.ModelProto()
    kinds = model.SentencePiece
    for piece in SPECIAL:
        model.pieces.add(piece=piece, score=0, type=kinds.UNKNOWN if piece == "<unk>" else kinds.CONTROL)
    for i, letter in enumerate(LETTERS):
        model.pieces.add(piece="\N{LOWER ONE EIGHTH BLOCK}" + letter, score=score(i), type=kinds.NORMAL)
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    trainer.model_type, trainer.vocab_size = trainer.UNIGRAM, len(model.pieces)
    trainer.pad_id, trainer.eos_id, trainer.unk_id, trainer.bos_id = 0, 1, 2, -1
    normalizer.name, normalizer.add_dummy_prefix = "identity", True
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(model.SerializeToString(deterministic=True))
    extra = [f"<extra_id_{i}>" for i in range(EXTRA)]
    names = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "additional_special_tokens": extra}
    write(folder / "special_tokens_map.json", names)
    write(folder / "tokenizer_config.json", names | {"do_lower_case": False, "extra_ids": EXTRA,
                                                     "tokenizer_class": "T5Tokenizer"})
    return spaced(folder)


def prostt5(folder, vocabulary):
    """ProstT5: ProtT5's files and added_tokens.json, whose ids follow the sentinels."""
    sentencepiece(folder, vocabulary)
    states = {letter.lower(): len(SPECIAL) + len(LETTERS) + EXTRA + i for i, letter in enumerate(LETTERS[:20])}
    added = states | {"<fold2AA>": vocabulary - 2, "<AA2fold>": vocabulary - 1}
    write(folder / "added_tokens.json", dict(sorted(added.items())))
    return spaced(folder)


def ankh(folder, vocabulary):
    """Ankh: tokenizer.json, special_tokens_map.json, tokenizer_config.json; pieces without SentencePiece's mark."""
    pieces = [[piece, 0.0] for piece in SPECIAL] + [[letter, score(i)] for i, letter in enumerate(LETTERS)]
    sentinels = [f"<extra_id_{i}>" for i in reversed(range(vocabulary - len(pieces)))]
    special = [*enumerate(SPECIAL), *enumerate(sentinels, len(pieces))]
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    one, two = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, token in special],
        "normalizer": None, "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing", "single": [one, end], "pair": [one, end, two, end],
                           "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": pieces + [[token, 0.0] for token in sentinels]}})
    names = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write(folder / "special_tokens_map.json", names)
    write(folder / "tokenizer_config.json", names | {"tokenizer_class": "PreTrainedTokenizerFast"})
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **names)
    # letter by letter, as Ankh's documentation has it
    return lambda text, _prefix: tokenizer(list(text), is_split_into_words=True)["input_ids"]


def spaced(folder):
    tokenizer = T5Tokenizer.from_pretrained(folder)
    return lambda text, prefix: tokenizer(" ".join(([prefix] if prefix else []) + list(text)))["input_ids"]


def write(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
