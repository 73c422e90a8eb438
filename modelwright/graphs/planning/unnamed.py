"""A model that a request speaks of and does not name: "compare it with the model my friend made". Nobody can guess which, so it is asked.

What a plan starts from is no such model ("the one it came from", "the original"), nor is one whose name stands beside its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.paths import DATA_ENDINGS

_AGAINST = (
    r"(?:with|wit|w/|against|versus|vs\.?|than|next to|beside|alongside|on|mit|gegen|neben|avec|contre|con|contra|contro"
    r"|frente al?|com|met|tegen|med|mot|mod)"
)
_THE = (
    r"(?:the|that|this|my|our|his|her|their|your|der|die|das|dem|den|mein\w*|unser\w*|le|la|el|il|lo|o|a|mon|ma|notre|mi|nuestr[oa]|mio|nostro|meu|nosso"
    r"|de|het|mijn|onze|vår|vårt|min|den|det)"
)
_MODEL = (
    r"(?:model\w*|modèle|modello|versi(?:on\w*|ón|one|e)|versão|release|checkpoint|endpoint|bot|chatbot|build|box|server"
    r"|deployment|instance)"
)
_BASE = (
    r"(?!(?:[\w'’-]+ ){0,3}?(?:base|basis\w*|base-?line|original\w*|built-?in|builtin|stock|plain|vanilla|untouched|unmodified"
    r"|untuned|untrained|unquanti[sz]ed|unchanged|raw|starting"
    r"|ausgangs\w*|grund\w*|ursprung\w*|eingebaut\w*|d['’]origine|origen|partida|partenza|integrad\w*|intégré\w*|incorporad\w*|innebygd\w*|inbygg\w*|same|new|tuned"
    r"|trained|fine-?tuned|quanti[sz]ed|old|first|second|other|full|small\w*|big\w*|large\w*|q\d\w*|f16|bf16|f32|gguf|default|standard)\b)"
)
_WHOSE = (
    r"(?:(?: that| which| die| das| que| qui| che| dat| som)? (?:my|our|your|his|her|their|we|they|i|he|she|you|u|the|(?-i:[A-Z])\w+"
    r"|wir|ich|sie|nous|je|nosotros|noi|wij|vi)"
    r" (?!(?:start|began|begin|came|come|before|had before)\w*\b)[\w'’-]+"
    r"|(?: de| di| von| van| da| do| of| from| by| av| af) (?-i:[A-Z])[\w'’-]+"
    r"| (?:that(?:'s| is) |which is )?(?:in (?:production|prod|use)|live|deployed)\b)"
)
_OF_SOMEBODY = r"(?:(?:last|this|yesterday)(?: (?:week|month|quarter|year|sprint|spring|summer|autumn|winter))?['’]s|(?-i:[A-Z])\w+['’]s)"
_IN_USE = r"(?:(?:the |our |my |their )?(?:current )?(?:prod|production|live|staging|vendor(?:['’]s)?|deployed)(?: \w+)?)"
_SAID = re.compile(
    rf"\b{_AGAINST} (?P<said>{_THE} {_BASE}(?:[\w'’-]+ ){{0,3}}?{_MODEL}{_WHOSE}|{_OF_SOMEBODY} (?:[\w-]+ )?{_MODEL}\b"
    rf"|{_IN_USE} {_MODEL}\b|one of (?:the|my|our) (?:[\w-]+ ){{0,3}}?(?:models|checkpoints|drafts|versions)\b|(?:that of )?(?:its"
    rf"|their|his|her) (?:predecessor|forerunner)\b)",
    re.IGNORECASE,
)
_REST = re.compile(r"[^.,;:!?\n]{0,40}?(?=[.,;:!?\n]|$| on | sur | auf )", re.IGNORECASE)
_NEAR = 40
"""Characters behind the words in which the model's name may stand: "the model my friend made (b.gguf)"."""


def model(text: str, found: Sequence[Candidate]) -> str | None:
    """The words for it. None where a name stands among or right behind them."""
    for said in _SAID.finditer(text):
        stop = re.search(r"[.;!?](?:\s|$)|,? (?:on|over|auf|sur|su|sobre|op|på|using|with) ", text[said.end() : said.end() + _NEAR])
        end = said.end() + (stop.start() if stop else _NEAR)
        if not any(_is_a_model(c) and said.start() <= c.start < end for c in found):
            rest = _REST.match(text, said.end())
            return said["said"] + (rest.group() if rest else "")
    return None


def _is_a_model(candidate: Candidate) -> bool:
    return candidate.kind == "model" or (candidate.kind == "missing" and Path(str(candidate.value)).suffix.lower() not in DATA_ENDINGS)
