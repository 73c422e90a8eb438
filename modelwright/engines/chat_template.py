"""Which tokens of a conversation are the assistant's own, for any chat template.

Two facts to know. A turn's span is taken only when it is proved: either the rendered text up to the turn is a prefix
of the whole (then what follows the generation prompt is the turn), or exchanging the turn's words changes exactly one
place. And the token that ends the turn is always part of it: a model that is never trained to stop never stops.

Not here: tools in the conversation, images, and templates that render one turn in two places (refused).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from modelwright.errors import DataError, ModelRefError, TrainingFailed

Message = dict[str, str]
Span = tuple[int, int]
# Two stand-ins for a turn's words. They differ in every place, so that no answer begins or ends like both.
STAND_INS = ("Xq1vX", "Zk2wZ")


@dataclass(frozen=True)
class Encoded:
    """A row as tokens; `trained` says of each whether the loss counts it."""

    input_ids: list[int]
    trained: list[bool]


def encode_text(tokenizer: Any, text: str) -> Encoded:
    """Plain text: every token counts, and the end of the text is one of them."""
    ids = list(tokenizer(text)["input_ids"])
    if tokenizer.eos_token_id is not None and ids[-1:] != [tokenizer.eos_token_id]:
        ids.append(tokenizer.eos_token_id)
    return Encoded(ids, [True] * len(ids))


def encode_chat(tokenizer: Any, messages: list[Message], stops: Set[int]) -> Encoded:
    """A conversation: the assistant's words and the token that ends each of its turns count, nothing else."""
    text = render(tokenizer, messages)
    spans = assistant_spans(tokenizer, messages, text)
    ids, offsets = _tokenize(tokenizer, text)
    trained = [False] * len(ids)
    last = -1
    for start, end in spans:
        first, last = _token_range(offsets, start, end)
        last = _end_at_stop(tokenizer, ids, first, last, stops)
        trained[first:last] = [True] * (last - first)
    if last > 0 and ids[last - 1] not in stops and tokenizer.eos_token_id is not None:
        # The template writes nothing after an answer (some rely on the next turn's header): stop must still be learnt.
        ids, trained = [*ids[:last], tokenizer.eos_token_id], [*trained[:last], True]
    return Encoded(ids, trained)


def stop_tokens(tokenizer: Any, model: Any = None) -> frozenset[int]:
    """The ids that end a generation: the tokenizer's and those of the model's generation settings."""
    found = {tokenizer.eos_token_id}
    extra = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    found |= set(extra) if isinstance(extra, list) else {extra}
    return frozenset(token for token in found if token is not None)


def render(tokenizer: Any, messages: list[Message], *, answer_next: bool = False) -> str:
    """The conversation as the model sees it; `answer_next` adds what comes before an answer."""
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise ModelRefError("the model has no chat template", fix="train on rows with a `text` field, or use an instruct model")
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer_next))
    except (TemplateError, TypeError, KeyError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise DataError(f"the model's chat template refuses the conversation: {reason}", fix="change the roles or their order") from error


def assistant_spans(tokenizer: Any, messages: list[Message], text: str) -> list[Span]:
    """Where in `text` each assistant turn stands. Raises TrainingFailed when that cannot be proved."""
    spans = []
    for index, message in enumerate(messages):
        if message["role"] == "assistant":
            span = _span_by_prefix(tokenizer, messages, index, text) or _span_by_exchange(tokenizer, messages, index, text)
            if span is None:
                raise TrainingFailed(
                    f"cannot prove where the chat template puts answer {index + 1} of the conversation",
                    fix="use a chat template that writes each message once, or train on a `text` field",
                )
            spans.append(span)
    return spans


def _span_by_prefix(tokenizer: Any, messages: list[Message], index: int, text: str) -> Span | None:
    try:
        before = render(tokenizer, messages[:index], answer_next=True)
        upto = text if index == len(messages) - 1 else render(tokenizer, messages[: index + 1])
    except DataError:  # some templates refuse a conversation that ends here
        return None
    words = messages[index]["content"].rpartition("</think>")[2].strip()  # templates write thoughts their own way
    proved = text.startswith(upto) and upto.startswith(before) and words in text[len(before) : len(upto)]
    return (len(before), len(upto)) if proved else None


def _span_by_exchange(tokenizer: Any, messages: list[Message], index: int, text: str) -> Span | None:
    heads, tails, others = [], [], []
    for stand_in in STAND_INS:
        changed = [*messages[:index], {**messages[index], "content": stand_in}, *messages[index + 1 :]]
        other = render(tokenizer, changed)
        heads.append(_alike(text, other))
        tails.append(_alike(text[::-1], other[::-1]))
        others.append(other)
    head, tail = min(heads), min(tails)
    proved = all(other[head : len(other) - tail] == word for other, word in zip(others, STAND_INS, strict=True))
    if not proved or head >= len(text) - tail:
        return None
    return (head - (text[head - 1 : head] == " "), len(text) - tail)  # a space before the first word is one token with it


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _tokenize(tokenizer: Any, text: str) -> tuple[list[int], list[Span]]:
    if not tokenizer.is_fast:
        raise TrainingFailed("the model's tokenizer does not say which characters a token covers", fix="use a model with a tokenizer.json")
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return list(encoded["input_ids"]), [tuple(pair) for pair in encoded["offset_mapping"]]


def _token_range(offsets: list[Span], start: int, end: int) -> Span:
    """First and past-the-last token that lie wholly inside the characters [start, end)."""
    inside = [i for i, (s, e) in enumerate(offsets) if start <= s < end and e <= end]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def _end_at_stop(tokenizer: Any, ids: list[int], first: int, last: int, stops: Set[int]) -> int:
    """Past the stop token of the turn: the last one inside, or one that follows after white space only."""
    for position in range(last - 1, first - 1, -1):
        if ids[position] in stops:
            return position + 1
    for position in range(last, min(last + 3, len(ids))):
        if ids[position] in stops:
            return position + 1
        if tokenizer.decode([ids[position]]).strip():
            break
    return last
