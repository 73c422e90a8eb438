"""A few answers before and after training, to the same prompts, greedy: what the loss cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from modelwright.data.reader import Row
from modelwright.engines.chat_template import render

SAMPLES = 3
LOOKED_AT = 50
"""rows among which prompts are looked for"""
Prompt = dict[str, str]


def pick_prompts(rows: Sequence[Row], tokenizer: Any, longest: int) -> list[Prompt]:
    """The first rows' prompts of at most `longest` tokens: `shown` to a person, `text` to the model. Of plain text, its first half."""
    prompts = (_prompt(row.example, tokenizer) for row in rows[:LOOKED_AT])
    fitting = (prompt for prompt in prompts if len(tokenizer(prompt["text"], add_special_tokens=False)["input_ids"]) <= longest)
    return list(islice(fitting, SAMPLES))


def _prompt(example: dict[str, Any], tokenizer: Any) -> Prompt:
    if "messages" not in example:
        words = example["text"].split()[:60]
        shown = " ".join(words[: max(1, len(words) // 2)])
        return {"shown": shown, "text": shown}
    messages = example["messages"]
    answer = max(i for i, message in enumerate(messages) if message["role"] == "assistant")
    asked = messages[:answer] or messages[:1]
    return {"shown": asked[-1]["content"], "text": render(tokenizer, asked, answer_next=True)}


def answers(model: Any, tokenizer: Any, prompts: Sequence[Prompt], max_new_tokens: int) -> list[str]:
    """What the model says to each prompt, all at once, padded on the left."""
    import torch

    if not prompts:
        return []
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    inputs = tokenizer([p["text"] for p in prompts], return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    tokenizer.padding_side = side
    model.eval()
    with torch.no_grad():
        out = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    new = out[:, inputs["input_ids"].shape[1] :]
    return [str(text).strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
