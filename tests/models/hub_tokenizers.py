"""Tokenizers of the kinds that model hubs have, trained here in small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from foundry.comparison.samples import TEXTS
from foundry.drawing.concepts import load_concepts

SPACE = "▁"


def corpus() -> list[str]:
    return [*TEXTS, *(phrase for concept in load_concepts() for phrase in concept.phrases)]


def t5() -> tuple[Tokenizer, dict[str, str]]:
    """SigLIP: sentencepiece's unigrams, an end and no start."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        corpus(), trainers.UnigramTrainer(vocab_size=600, special_tokens=special, unk_token="<unk>")
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    # As timm's SigLIP repositories have it: a text is filled up with its end.
    return tokenizer, {"pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>"}


def gemma() -> tuple[Tokenizer, dict[str, str]]:
    """SigLIP2: byte pairs with a fallback to bytes, an end and no start."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    every_byte = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=[*special, *every_byte])
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return tokenizer, {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}


def xlm_roberta() -> tuple[Tokenizer, dict[str, str]]:
    """Multilingual models: unigrams between a start and an end."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.train_from_iterator(
        corpus(), trainers.UnigramTrainer(vocab_size=600, special_tokens=special, unk_token="<unk>")
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return tokenizer, names | {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}


KINDS: dict[str, Callable[[], tuple[Tokenizer, dict[str, str]]]] = {
    "t5": t5,
    "gemma": gemma,
    "xlm-roberta": xlm_roberta,
}


def save(kind: str, folder: Path) -> int:
    """Write a tokenizer as a hub's repository holds it; return the number of its entries."""
    tokenizer, names = KINDS[kind]()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="right", **names).save_pretrained(folder)
    return int(tokenizer.get_vocab_size())


def write_folder(folder: Path, kind: str, model_cfg: dict[str, object], preprocess: dict[str, object]) -> str:
    """Write a folder as open_clip's ``local-dir:`` reads it; return that name."""
    folder.mkdir(parents=True, exist_ok=True)
    save(kind, folder)
    config = {"model_cfg": model_cfg, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return f"local-dir:{folder}"
