"""A few answers before and after training, to the same prompts, greedy: what the loss cannot show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def answers(model: Any, tokenizer: Any, prompts: Sequence[Prompt], max_new_tokens: int, made: Callable[[int], None]) -> list[str]:
    """What the model says to each prompt, all at once, padded on the left. `made` is told the tokens that each answer has so far."""
    import torch

    if not prompts:
        return []
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    inputs = tokenizer([p["text"] for p in prompts], return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    tokenizer.padding_side = side
    model.eval()
    with torch.no_grad():
        out = model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            stopping_criteria=[_counting(inputs["input_ids"].shape[1], made)],
        )
    new = out[:, inputs["input_ids"].shape[1] :]
    return [str(text).strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]


def _counting(prompt_tokens: int, made: Callable[[int], None]) -> Callable[..., Any]:
    """A criterion that stops nothing: generation calls it after each token."""
    import torch

    def criterion(input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        made(input_ids.shape[1] - prompt_tokens)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    return criterion
