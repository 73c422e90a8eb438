"""Which of the three document tools is meant, where a small model and cues mix them up: one place for the rule.

A question of fact is answered, a wish for passages is searched; a folder that is named is read into an index first. An
index that is named, or spoken of as made already, is not made again. Where neither words nor places tell, nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from modelwright.contract import Tool
from modelwright.graphs.planning import asked_texts, phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import SURE
from modelwright.graphs.planning.tool_names import ANSWER, INDEX, RETRIEVAL_QUALITY, SEARCH
from modelwright.graphs.planning.words import tokenize
from modelwright.models.base import DraftStep

TOOLS = frozenset({INDEX, SEARCH, ANSWER})
SOURCES = ("folder", "glob", "file")
_PASSAGES = re.compile(
    r"\b(?:passages?|paragraphs?|snippets?|excerpts?|chunks?(?!(?:\s+\w+){0,3}\s+\d)|hits|matches|mentions|quotes|bits"
    r"|search(?!able)\w*|dig (?:out|up)|look ?up|keyword|bm25|top[ -]?\d+|(?:lexical|dense|hybrid|semantic)(?:ally)?|spots"
    r"|occurrences?|occurs?|word for word"
    r"|(?:fund|text)stellen|stellen (?:zu[rm]?|über|mit|in denen)|fragmentos|extraits|brani)\b"
    r"|\b(?:nur|bloß|solo|sólo|seulement|uniquement|soltanto|alleen) (?:die |los |las |les |i |de )?(?:stellen|treffer|pasajes|passages"
    r"|passagen|passaggi|trechos)\b"
    r"|\bwhat (?:will|do|would|can) (?:i|we) find (?:on|about|under)\b|\bwhere(?:'s| is| does| do| are)? [^.?!]{0,60}\b(?:mention\w*"
    r"|turns? up|comes? up)\b"
    r"|\b(?:no|not|without|don'?t)\s+(?:need |want |write |give |me |an?y? |any ){0,3}(?:answers?|summar\w+)\b"
    r"|\b(?:keine?|ohne|sin|pas|sans|geen|senza|sem)\s+(?:(?:fertige|ausformulierte) |\w+ )?(?:antwort\w*|respuestas?|réponses?"
    r"|antwoord\w*|rispost\w|respostas?)\b",
    re.IGNORECASE,
)
_FACT = re.compile(
    r"(?:^|[,;:.!]\s*[\"'“„«‘]?|\band |\bthen )(?:who(?:se|m)?|what|when|where|which|why|how|does|do|did|is|are|was|were|can|may|must)\b"
    r"|\b(?:according to|with (?:a )?(?:citations?|sources?)|cite"
    r"|tell me|dis[- ]moi|dites[- ]moi|dime|dimmi|sag mir|zeg me|answer|beantwort\w*|antwort\w*|répon\w+|respond\w+|rispond\w+"
    r"|antwoord\w*)\b",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"(?<!n't )(?<!n’t )(?<!not )(?<!no )\b(?:write|word|phrase|formulate)s? (?:it|the answer|an answer)\b|\bask (?:it|them|(?:the "
    r"|my |our )?(?:index [\w-]+|[\w-]+ index))\b"
    r"|\banswer (?:it |this |that )?from [\w-]+|\b(?:spørg|spør|fråga) (?:indekset|indeksen|indexet|dokument\w+)\b"
    r"|\bnot (?:just|only|merely) (?:quotes|passages|snippets|hits)\b",
    re.IGNORECASE,
)
"""Wishes for an answer, whatever else is said of passages."""
_MADE = re.compile(r"\b(?:(?:we|i|was|is|were|are|been|already|have|has) indexed|already (?:in|indexed)|in the index)\b", re.IGNORECASE)
DOCUMENTS = (".md", ".txt", ".pdf", ".docx", ".html", ".htm", ".rst")
_READS_IN = re.compile(
    r"\b(?:read|load|ingest|indexing|index(?= (?:the|my|our|all|everything|it|them|this|these)\b| \S*[/.*])|put|cut|chunk\w*|digest"
    r"|lies|liest|lade|nimm|einlesen|aufnehmen|indexier\w*|indizier\w*|carga\w*"
    r"|lee|mete|sube|indexa\w*|lis|charge\w*|indexe\w*|carica\w*|leggi|indicizza\w*|carrega\w*|leia|lê|lees|laad|inlezen|indexeer"
    r"|läs|læs|wczytaj|zaindeksuj)\b(?! (?:them|it|those) (?:myself|ourselves))"
    r"|\b(?:refresh|rebuild|update|renew|aktualisier\w*|erneuer\w*|actualiza\w*|rafraîchi\w*|aggiorna\w*) (?:the |den |el |l['’])?"
    r"(?:index|índice|indice)",
    re.IGNORECASE,
)
"""Words for reading documents into an index."""
_BUILDS = re.compile(
    r"\b(?:build|make|create|set up|bau\w*|erstell\w*|leg\w*|cre[aá]\w*|crée\w*|constru\w+|maak|lag|skapa|opret|utwórz"
    r"|zbuduj)\b[^.;?!]{0,30}"
    r"\b(?:index|idx|índice|indice|indeks\w*)\b"
    r"|(?:^|[.,;:!?]\s|\b(?:please|pls|to|you|and|then) )(?:re-?)?index (?:the|my|our|all|every\w*|these|those"
    r"|both)\b[^.;?!]{0,60}\b(?:as|under|into|called|named)\b"
    r"|(?:^|[.,;:!?]\s)(?:(?:a|one) )?new (?:index|idx) |\bre-?index(?:ed)? (?:\w+ )?into\b"
    r"|\b(?:add|append|upload) (?:the |my |our |these |those |all )?(?:[\w-]+ ){1,4}(?:to|into) (?:the|our|my) index\b"
    r"|\b(?:want|need|like|have|get|wish)\b[^.;?!]{0,60}\bindexed (?:under|as)\b"
    r"|\b(?:put|get|load|throw|take|bring|feed|pour|stick|dump|read|turn|gather)\b[^.;?!]{0,60}\bin(?:to)? an? (?:new "
    r"|search )?(?:index|idx)\b",
    re.IGNORECASE,
)
"""An index that is to be made, though nothing says of what."""
_DENIES = re.compile(
    r"\b(?:no|without an?|not an?)\s+(?:finished |written |generated )?(?:answers?|summar\w+)\b"
    r"|\b(?:keine?|ohne|sin|pas de|sans|geen|zonder|senza|sem)\s+(?:fertige |ausformulierte |kant-en-klaar )?"
    r"(?:antwort\w*|respuestas?|réponses?|antwoord\w*|rispost\w|respostas?|zusammenfassung|resumen|résumé)\b",
    re.IGNORECASE,
)
"""Who wants passages alone says so, whatever the model is sure of."""
_LATER = re.compile(
    r"\b(?:questions? (?:will )?(?:follow|come)|so (?:that )?(?:i|we) can (?:query|ask|search)|(?:ask|query|search|questions?)(?: \w+){0,3}"
    r" (?:later|afterwards?|tomorrow))\b",
    re.IGNORECASE,
)
"""Asked another time."""
_GRANTS = re.compile(
    r"\b(?:only|just|solo|sólo|nur|seulement|seuls?)\b[^.;?!]{0,60}\b(?:can|could|may|should|must|shall|allowed to|able to|darf|dürfen"
    r"|puede\w*|peut|peuvent|possa\w*|pode\w*)\b[^.;?!,]{0,40}[.!]?\s*$",
    re.IGNORECASE,
)
"""Who may find it: no search."""
_OF_YOU = re.compile(r"\b(?:what|who|how|why|where|when) (?:can|could|do|did|are|were|will|would|have) you\b", re.IGNORECASE)


def settled(
    asked: Sequence[Intent], request: str, found: Sequence[Candidate], tools: Mapping[str, Tool], sure: Set[str] = frozenset()
) -> list[Intent]:
    """The intents with the document tool that the request's own words mean. What the model is `sure` of is no other tool."""
    asked = _measured(asked, found, tools)
    if not tools.keys() >= TOOLS or not any(i.tool in {*TOOLS, RETRIEVAL_QUALITY} for i in asked):
        return list(asked)
    asked = _with_what_is_read_in(_of_things_that_are_there(asked, request, found), request, found)
    if any(i.tool in TOOLS for i in asked):
        asked = _of_documents(asked, request, found, sure)
    return asked_texts.completed(_without_idle_searches(asked, request), request, found)


def _of_documents(asked: Sequence[Intent], request: str, found: Sequence[Candidate], sure: Set[str]) -> list[Intent]:
    read = [*(c for c in found if c.kind in SOURCES), *(c for i in asked if i.tool == INDEX for c in i.chosen.get("path", ()))]
    makes = any(not phrases.role("path", request, c.start, c.end) for c in read)
    named = any(c.kind == "index" for c in found) or _MADE.search(request) is not None
    named = named or phrases.value("index", "auto", request) is not None
    own = [request[i.clause.start : i.clause.end] for i in asked if i.tool in (SEARCH, ANSWER) and i.clause.tokens]
    meant = tool_meant("; ".join(own) or request) or (tool_meant(request) if len(own) == 1 == len(asked) else "")
    needless = [i for i in asked if i.tool == INDEX and not makes and named and meant and not builds(request)]
    kept = [replace(i, tool="", chosen={}) if i in needless else i for i in asked]
    if needless and not any(i.tool in (SEARCH, ANSWER) for i in kept):
        kept = [replace(i, tool=meant, chosen={k: v for k, v in i.chosen.items() if k == "index"}) if i.tool == INDEX else i for i in asked]
    if not _one_after_the_other(asked, request):
        firm = frozenset() if meant == SEARCH and _DENIES.search(request) else sure
        kept = [replace(i, tool=meant) if meant and i.tool in (SEARCH, ANSWER) and i.tool not in firm else i for i in kept]
    kept = _each_once(kept)
    if makes and _GRANTS.search(request) and not tool_meant(_GRANTS.sub("", request)):
        kept = [i for i in kept if i.tool not in (SEARCH, ANSWER)]
    later = _LATER.search(request)
    if makes and later and not _FACT.search(request, later.end()) and any(i.tool == INDEX for i in kept):
        kept = [i for i in kept if i.tool not in (SEARCH, ANSWER)]
    if makes and not named and not any(i.tool == INDEX for i in kept):
        first = next(n for n, i in enumerate(kept) if i.tool in (SEARCH, ANSWER))
        kept.insert(first, Intent(kept[first].clause, {}, INDEX))
    return kept


def _of_things_that_are_there(asked: Sequence[Intent], request: str, found: Sequence[Candidate]) -> list[Intent]:
    """Without an index to make where an index is measured that is named, and nothing is there to read."""
    makes = any(c.kind in SOURCES for c in found)
    measured = any(i.tool == RETRIEVAL_QUALITY for i in asked) and any(c.kind == "index" for c in found)
    return [replace(i, tool="", chosen={}) if i.tool == INDEX and measured and not makes and "path" not in i.chosen else i for i in asked]


def _with_what_is_read_in(asked: Sequence[Intent], request: str, found: Sequence[Candidate]) -> list[Intent]:
    """With an index of documents that a word wants read, and that no step takes: "read x.md, see how good the search is on q.jsonl"."""
    first = next((n for n, i in enumerate(asked) if i.tool in (SEARCH, ANSWER, RETRIEVAL_QUALITY)), None)
    texts = [c for c in found if c.kind in SOURCES or str(c.value).lower().endswith(DOCUMENTS)]
    texts = [c for c in texts if not phrases.role("path", request, c.start, c.end)]
    if first is None or any(i.tool == INDEX for i in asked) or not texts or not _READS_IN.search(request):
        return list(asked)
    looked_at = [i for i in asked if i.tool == "inspect_dataset" and any(c in texts for values in i.chosen.values() for c in values)]
    named = [c for c in found if c.kind == "index"]
    into = {"index": named} if len(named) == 1 else {}
    if looked_at:
        read = [c for values in looked_at[0].chosen.values() for c in values if c in texts]
        return [replace(i, tool=INDEX, chosen={"path": read, **into}) if i is looked_at[0] else _without_values(i, read) for i in asked]
    taken = {c for i in asked for name, values in i.chosen.items() if name in ("dataset", "path") for c in values}
    if left := [c for c in texts if c not in taken]:
        clause = Clause(
            tuple(t for t in tokenize(request, found) if not t.candidate and _sentence_start(request, left[0].start) <= t.start)
        )
        clause = Clause(tuple(t for t in clause.tokens if t.start < max(left[0].end, asked[first].clause.start)))
        return [*asked[:first], Intent(clause, {}, INDEX, chosen={"path": left[:1], **into}), *asked[first:]]
    return list(asked)


def _without_values(intent: Intent, taken: Sequence[Candidate]) -> Intent:
    return replace(intent, chosen={name: [c for c in values if c not in taken] for name, values in intent.chosen.items()})


def _sentence_start(request: str, place: int) -> int:
    return max((m.end() for m in re.finditer(r"[.!?;](?=\s)", request[:place])), default=0)


def _without_idle_searches(asked: Sequence[Intent], request: str) -> list[Intent]:
    """ "measure it with q.jsonl, six hits each": no search beside the measurement, where nothing says what for."""
    if not any(i.tool == RETRIEVAL_QUALITY for i in asked) or asked_texts.asks_something(request):
        return list(asked)
    return [i for i in asked if i.tool not in (SEARCH, ANSWER)]


def builds(request: str) -> bool:
    """Whether it wants an index made, of whatever."""
    return _BUILDS.search(request) is not None


def asks_documents(request: str) -> bool:
    """Whether it is a question or a wish for passages."""
    return ("?" in request or bool(tool_meant(request))) and not _OF_YOU.search(request)


def is_question(request: str) -> bool:
    """Whether documents could hold what is asked; "what can you do?" is asked of the assistant."""
    return tool_meant(request) == ANSWER and not _OF_YOU.search(request)


def _one_after_the_other(asked: Sequence[Intent], request: str) -> bool:
    """ "search it for x, then answer me: who …": passages first, and then an answer, each with words of its own."""
    own = [(i.tool, request[i.clause.start : i.clause.end]) for i in asked if i.tool in (SEARCH, ANSWER) and i.clause.tokens]
    if [tool for tool, _ in own] != [SEARCH, ANSWER]:
        return False
    (_, first), (_, last) = own
    return bool(_PASSAGES.search(first) and _FACT.search(last)) and not _PASSAGES.search(last)


def _measured(asked: Sequence[Intent], found: Sequence[Candidate], tools: Mapping[str, Tool]) -> list[Intent]:
    """An evaluation where an index is made or named, or a way to search, and no model is: it measures the search."""
    of_index = any(i.tool == INDEX for i in asked) or any(c.kind in ("index", "mode") for c in found)
    if not of_index or RETRIEVAL_QUALITY not in tools or any(c.kind == "model" for c in found):
        return list(asked)
    return [replace(i, tool=RETRIEVAL_QUALITY) if i.tool == "evaluate" else i for i in asked]


def measured_draft(steps: Sequence[DraftStep], asked: Sequence[Intent], tools: Mapping[str, Tool]) -> list[DraftStep]:
    """Where words are sure that the search is measured ("nDCG", "finds the right passage"), no search, answer or score stands for it."""
    sure = any(i.scores.get(RETRIEVAL_QUALITY, 0.0) >= SURE for i in asked) and RETRIEVAL_QUALITY in tools
    if not sure or any(step.tool == RETRIEVAL_QUALITY for step in steps):
        return list(steps)
    mistaken = [step for step in steps if step.tool in (SEARCH, ANSWER, "evaluate")]
    fields = {name: values for step in mistaken for name, values in step.fields.items() if name in ("index", "dataset")}
    measured = DraftStep(RETRIEVAL_QUALITY, fields)
    return [measured if step is mistaken[0] else step for step in steps if step not in mistaken[1:]] if mistaken else list(steps)


def _each_once(asked: Sequence[Intent]) -> list[Intent]:
    """Without a second search or answer that has no words of its own: it would be the same again."""
    kept: list[Intent] = []
    for intent in asked:
        same = [i for i in kept if i.tool == intent.tool and intent.tool in (SEARCH, ANSWER)]
        if not any(i.clause.tokens == intent.clause.tokens or not intent.clause.tokens for i in same):
            kept.append(intent)
    return kept


def tool_meant(request: str) -> str:
    """The tool for what is asked, empty where the words do not tell. A wish for passages is one however it goes on."""
    if _WRITES.search(request):
        return ANSWER
    if _PASSAGES.search(request):
        return SEARCH
    return ANSWER if _FACT.search(request) or request.rstrip().endswith(("?", "؟", "？")) else ""
