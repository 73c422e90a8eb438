"""Which index does a question belong to? Each is asked for its three nearest passages; the nearest on average wins.

By meaning where there are vectors of one space, else by the share of the question's words that the best passages hold. Two
indexes within 0.03 are both asked, since such a difference is noise.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.memory import Store
from modelwright.memory.documents import collection
from modelwright.scoring.citations import content_words, stem

PROBED = 3
NOISE = 0.03


def route(store: Store, query: str, indexes: Sequence[str]) -> list[tuple[str, float]]:
    """Indexes to ask with their closeness to the question, 0 to 1, best first; never empty when `indexes` is not."""
    scored = sorted(((name, _closeness(store, query, name)) for name in indexes), key=lambda pair: (-pair[1], pair[0]))
    return [(name, value) for name, value in scored if value >= scored[0][1] - NOISE]


def _closeness(store: Store, query: str, index: str) -> float:
    name = collection(index)
    vector = store.embed_query(name, query)
    if vector is not None:
        hits = store.search_dense(name, vector, PROBED)
        return sum(hit.score for hit in hits) / len(hits) if hits else 0.0
    wanted = {stem(word) for word in content_words(query)}
    texts = [hit.item.text for hit in store.search_lexical(name, query, PROBED)]
    shares = [len(wanted & {stem(word) for word in content_words(text)}) / max(1, len(wanted)) for text in texts]
    return sum(shares) / len(shares) if shares else 0.0
