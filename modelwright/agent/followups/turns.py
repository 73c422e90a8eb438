"""Whether what is said to an open question is a turn of its own: "now quantize it", "how long did it take?", "help".

What fits a choice, or names a thing without saying what to do with it ("take train.jsonl please"), is an answer; so is anything
where words are asked for. What fits nothing and reads as no turn stays an answer too: the question says that it does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from modelwright import tools
from modelwright.agent.followups import again, answers, spoken
from modelwright.agent.followups.words import words
from modelwright.graphs.planning import clauses, intents
from modelwright.graphs.planning.candidates import find
from modelwright.graphs.planning.cards import TEXT_FIELDS
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.questions import UNCLEAR
from modelwright.graphs.planning.sheet import THINGS
from modelwright.graphs.planning.weighing import rules_sure
from modelwright.types import Json

FEWEST_WORDS = 3
"""Of a question: "train.jsonl?" is an unsure answer."""


def is_own(text: str, pending: Json, workspace: Path) -> bool:
    """`pending` is {question, choices}. Looks at names in the workspace, and asks no model."""
    question = str(pending["question"])
    if question.endswith(UNCLEAR):
        return True
    if any(choice.lower().startswith(text.lower()) for choice in pending["choices"]) or question.endswith(_for_words()):
        return False
    if answers.kind_of(text) in answers.SMALL_TALK:
        return False
    if answers.kind_of(text) or again.is_again(text) or spoken.is_go_on(text):
        return True
    if text.rstrip().endswith("?") and len(text.split()) >= FEWEST_WORDS:
        return True
    found = find(text, workspace)
    asked = intents.find(clauses.split(clauses.read(text, found)), tools.load_all())
    repeats = {i.tool for i in asked} <= _asking(question) and any(c.kind in THINGS for c in found)
    return rules_sure(asked) and not repeats


_ORDER = (("first", "1st", "erste"), ("second", "2nd", "zweite"), ("third", "3rd", "dritte"), ("fourth", "4th"), ("fifth", "5th"))
"""Words for the places of a list, in their order."""


def listed(text: str, choices: Sequence[str]) -> str:
    """The one listed answer that words point to: "the second one", "the train one" for train.jsonl. Empty where none or several fit."""
    said = {word for word in re.findall(r"[\w.-]+", text.lower()) if word not in words().small | _POLITE}
    places = [at for at, names in enumerate(_ORDER) if not said.isdisjoint(names)]
    if places and len(said) == 1:
        return choices[places[0]] if places[0] < len(choices) else ""
    fitting = [choice for choice in choices if said and said <= _parts(choice)]
    return fitting[0] if len(fitting) == 1 else ""


def _parts(choice: str) -> set[str]:
    """ "data/train.jsonl" as itself, its name, and the words of both."""
    low = choice.lower()
    return {low, low.rsplit("/", 1)[-1], *re.findall(r"[^\W_]+", low), *re.findall(r"[\w.-]+", low)}


_POLITE = frozenset({"use", "take", "please", "yes", "ok", "nimm", "bitte"})


def _asking(question: str) -> set[str]:
    """The tools that the question may be about: "evaluate on eval.jsonl" answers what evaluate should measure on."""
    if "compared with" in question:
        return {"compare"}
    return {name.split(".")[0] for name, asked in lexicon().questions.items() if question.endswith(asked)}


def _for_words() -> tuple[str, ...]:
    """The ends of questions that any words answer."""
    return tuple(asked for name, asked in lexicon().questions.items() if name.rsplit(".", 1)[-1] in TEXT_FIELDS)
