"""A question about two tools, for the tests of models."""

from __future__ import annotations

from modelwright.models.base import Card, DraftQuestion, FieldCard, Slot

TWO_TOOLS = DraftQuestion(
    "fine-tune builtin on train.jsonl for three epochs",
    "fine-tune [M1 builtin] on [D1 train.jsonl] for [N1 three] epochs",
    (Slot("M1", "model", "builtin", "builtin"), Slot("D1", "dataset", "train.jsonl", "train.jsonl"), Slot("N1", "number", "three", 3)),
    (
        Card(
            "finetune",
            "Fine-tune a model on a data set.",
            (
                FieldCard("model", ("model",), required=True),
                FieldCard("dataset", ("dataset",), required=True),
                FieldCard("epochs", ("number",)),
                FieldCard("method", (), ("lora", "full")),
            ),
        ),
        Card(
            "quantize", "Make a model smaller.", (FieldCard("model", ("model",), required=True), FieldCard("types", ("quant",), many=True))
        ),
    ),
)
