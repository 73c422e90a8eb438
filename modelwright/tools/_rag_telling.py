"""Whether a sentence speaks of what was asked: the telling words of a question, and the share of them that a sentence holds.

Two facts to know. A quote that is proved can still be no answer: "The lamp uses an E14 bulb" stands in its source and says nothing
about the price of the lamp. And a word is held by its stem or by a word that means nearly the same, `cost` by `price`: so this needs a
model that knows meaning. Not here: how near a whole sentence is to the question (_rag_sentences.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from modelwright.scoring.citations import content_words, stem

LEAST = 0.67
"""Of the weight of the telling words. docs/retrieval.md has what that gives."""
MOST = 5
"""Telling words. A longer question describes what it looks for, and no sentence holds that: of 26 such questions to Cranfield that the
right abstract answered, 6 were left without this bound, and 24 with it."""
NEAR = 0.55
"""Cosine of two words that stand for each other: cost and price 0.74, power and watts 0.65, bluetooth and devices 0.48."""
_LIGHT = frozenset(
    stem(word)
    for word in re.findall(
        r"\S+",
        "long much many often far mean means need use used take takes go goes give gives get gets keep kept put work works hold holds fit"
        " say says tell told show explain describe find know please manual handbook document documents docs guide text index something"
        " wie was wer wo wann warum welche welcher welches lange viel viele oft ist sind hat kann der die das den dem des ein eine einer im"
        " comment combien quel quelle quels quelles où quand qui que est sont le la les un une du des dans pour"
        " cómo cuánto cuánta cuántos cuántas dónde cuándo quién qué cuál es son el los las una del en por para",
    )
)
"""What a question asks with, not about: `how long`, `what does the manual say`, `can I use`."""
Near = Callable[[str, Sequence[str]], Sequence[float] | None]
"""Cosines of a word with others; None where no model that knows meaning is installed."""


def telling(question: str) -> list[str]:
    """The words that say what is asked about; all words with content where there are no others."""
    found = content_words(question)
    return [word for word in found if stem(word) not in _LIGHT] or found


def speaks_of(wanted: Sequence[str], weights: Mapping[str, float], text: str, near: Near) -> bool:
    """Whether `text` holds LEAST of the weight of the words `wanted`, which are at most MOST. `weights` are by stem."""
    there = content_words(text)
    stems = {stem(word) for word in there}
    total = sum(weights[stem(word)] for word in wanted)
    missing = [word for word in wanted if stem(word) not in stems]
    lost = sum(weights[stem(word)] for word in missing if max(near(word, there) or (), default=0.0) < NEAR)
    return total - lost >= LEAST * total
