"""The runtime gives a text the tokens that open_clip gives it, whatever the kind of tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import ftfy
import numpy as np
import onnx
import pytest
from glimpse.encoder import Bundle, TextEncoder
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

from foundry.comparison.samples import TEXTS
from foundry.conversion.sources import convert_tokenizer
from tests.models.hub_tokenizers import save

pytestmark = pytest.mark.models
LENGTH = 24
ODD = (
    "", "a " * 100, "it's WE'LL they're", "ΟΔΥΣΣΕΥΣ", "İstanbul", "“quoted” ‘words’", "<start_of_text> hi",
    "é e\u0301", "tab\tand\nnewline", "snake_case-word", "🙂🙃 emoji", "ﬀ 5² ½", "C++ & C#", "50% off!!!",
    "日本語 text", "x" * 300, "don’t", "ＦＵＬＬ　ｗｉｄｔｈ", "a &amp;amp; b &lt;3 &ldquo;c&rdquo;",
    "bell\x07", "<b>&quot;</b>",
)  # fmt: skip


def encoder(folder: Path, original: SimpleTokenizer | HFTokenizer, clean: str | None) -> TextEncoder:
    """A text tower that answers with the tokens themselves, so that the runtime shows what it feeds."""
    (folder / "textual").mkdir(parents=True)
    tokens = helper.make_tensor_value_info("text", TensorProto.INT32, ["n", LENGTH])
    answer = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", LENGTH])
    cast = helper.make_node("Cast", ["text"], ["embedding"], to=TensorProto.FLOAT)
    graph = helper.make_graph([cast], "tokens", [tokens], [answer])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "textual/model.onnx")
    convert_tokenizer(original, LENGTH).save(str(folder / "textual/tokenizer.json"))
    text_cfg = {"context_length": LENGTH, "tokenizer_kwargs": {"clean": clean} if clean else {}}
    config = {"embed_dim": LENGTH, "text_cfg": text_cfg, "glimpse": {"space_id": "tokens"}}
    (folder / "config.json").write_text(json.dumps(config))
    return TextEncoder(Bundle.load(folder))


def check(encoder: TextEncoder, original: SimpleTokenizer | HFTokenizer, texts: list[str]) -> None:
    expected = original(texts, context_length=LENGTH).numpy().astype(np.float64)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.embed_texts(texts), expected, atol=1e-6)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextEncoder, SimpleTokenizer]:
    original = SimpleTokenizer()
    return encoder(tmp_path_factory.mktemp("clip") / "bundle", original, None), original


def test_clip_texts(clip: tuple[TextEncoder, SimpleTokenizer]) -> None:
    check(*clip, [*TEXTS, *ODD])


@settings(max_examples=300, deadline=None, derandomize=True)
@example("\x1f\xc2 ")  # once the control character is gone, it looks like a space of a broken encoding
@given(st.text(st.characters(exclude_categories=("Cn", "Co", "Cs")), max_size=60))
def test_clip_any_text_of_a_sound_encoding(clip: tuple[TextEncoder, SimpleTokenizer], text: str) -> None:
    is_sound = (
        ftfy.fix_text(text) == ftfy.fix_text(text, fix_encoding=False) and ftfy.fix_encoding(text) == text
    )
    assume(is_sound and "\x1b" not in text)
    check(*clip, [text])


@pytest.mark.parametrize("clean", ["canonicalize", "whitespace"])
@pytest.mark.parametrize("kind", ["t5", "gemma", "xlm-roberta"])
def test_texts_of_a_hubs_tokenizers(tmp_path: Path, kind: str, clean: str) -> None:
    save(kind, tmp_path / "hub")
    original = HFTokenizer(str(tmp_path / "hub"), context_length=LENGTH, clean=clean)
    check(encoder(tmp_path / "bundle", original, clean), original, [*TEXTS, *ODD[1:]])


@pytest.mark.parametrize("change", [{"strip_sep_token": True}, {"tokenizer_mode": "clips"}])
def test_what_cannot_be_shipped_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    save("xlm-roberta", tmp_path)
    original = HFTokenizer(str(tmp_path), context_length=LENGTH, **change)
    with pytest.raises(ValueError, match="can't be shipped"):
        convert_tokenizer(original, LENGTH)
