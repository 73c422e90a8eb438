"""Whether a request is written in another language than English, whose nouns the lexicon knows only in part."""

from __future__ import annotations

import re

_SMALL = """
the and with for my our it its then this that how please from what of you your can should has have are
"""
_FOREIGN = """
der das und mit auf für ein eine einen ich wir nicht von zu bitte dann ist den dem
le la les des et avec sur un une est dans je nous du au puis el los las con para por y que una del luego
il lo gli di e su mi poi che della nel het een en op ik wij voor naar van bij hoe
och på med att av jag sedan som til af jeg det skal na z ze w się nie jest proszę potem oraz
os um uma com não depois ao ve bir ile için sonra pak prosím jak
"""
_ENGLISH, _OTHERS = frozenset(_SMALL.split()), frozenset(_FOREIGN.split())
LEAST = 2
"""Small words of other languages from which a request is taken for one of them."""


def is_foreign(request: str) -> bool:
    """By its small words; a few English ones may stand among them ("train the model mit meinen Daten und …" is still German)."""
    words = re.findall(r"[^\W\d_]+", request.lower())
    others = sum(word in _OTHERS for word in words)
    return others >= LEAST and others > 2 * sum(word in _ENGLISH for word in words)
