"""Which tool a clause asks for: cues of the lexicon scored by code; the model chooses only where they do not decide.

A longer cue beats a shorter one on the same words ("check how good" is not "check"). A cue after "don't", "without" or
"instead of" counts for nothing. One slip of the pen is forgiven in words of six letters and more, and costs a point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from modelwright.contract import Tool
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause, comes_later, goes_first
from modelwright.graphs.planning.lexicon import HINT, LIKELY, SURE, Cue, lexicon
from modelwright.graphs.planning.stems import nearly, same, stem
from modelwright.graphs.planning.words import Token

MOST_GAP = 4
MARGIN = 1.0
"""Points that the best tool must be ahead of the next; cues weigh 1, 2 or 3."""
ELSEWHERE = "elsewhere:"


@dataclass(frozen=True)
class Match:
    tool: str
    weight: float
    places: tuple[int, ...]
    """Indexes of the tokens that the cue's words stand on."""


@dataclass
class Intent:
    """What one clause asks for. `scores` are the points of each tool; `tool` is empty until someone decided."""

    clause: Clause
    scores: dict[str, float] = field(default_factory=dict)
    tool: str = ""
    waits: bool = False
    """Whether it was said before something that is to happen first."""
    chosen: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    """Argument -> the values that the planning model chose."""

    @property
    def ranked(self) -> list[tuple[str, float]]:
        return sorted(self.scores.items(), key=lambda item: -item[1])

    @property
    def decisive(self) -> str:
        """The tool that the rules decide for, or nothing."""
        ranked = [*self.ranked, ("", 0.0), ("", 0.0)]
        (best, points), (_, next_points) = ranked[0], ranked[1]
        return best if points >= LIKELY and points - next_points >= MARGIN else ""


def find(clauses: Sequence[Clause], tools: Mapping[str, Tool]) -> list[Intent]:
    """The clauses with their scores, in the order in which they are to happen. Undecided ones have no tool yet."""
    cues = _all_cues(tools)
    intents: list[Intent] = []
    for clause in clauses:
        for part, matches in _parts(clause, accepted(clause.tokens, cues)):
            intent = Intent(part, _points(matches))
            intent.tool = intent.decisive
            intents.append(intent)
    return _in_order(_merged(intents))


@dataclass(frozen=True)
class Cues:
    """All cues, the longest first, found by their first word."""

    ordered: Sequence[tuple[str, Cue]]
    by_first: Mapping[str, Sequence[int]]

    def starting_at(self, token: Token) -> set[int]:
        exact, slipped = meant(token.word)
        firsts = {*exact, *slipped, token.word, stem(token.word)}
        if token.candidate:
            firsts |= {"<dataset>", "<model>", f"<{token.candidate.kind}>"}
        return {number for first in firsts for number in self.by_first.get(first, ())}


def _all_cues(tools: Mapping[str, Tool]) -> Cues:
    words = lexicon()
    cues = [(name, cue) for name, tool in tools.items() for cue in words.of(tool).cues]
    cues += [(ELSEWHERE + name, cue) for name, some in words.elsewhere.items() if name not in tools for cue in some]
    cues.sort(key=lambda item: (-_words(item[1]), -item[1].weight))
    by_first: dict[str, list[int]] = {}
    for number, (_, cue) in enumerate(cues):
        for first in cue.words[0]:
            for form in {first, stem(first)}:
                by_first.setdefault(form, []).append(number)
    return Cues(cues, by_first)


def _words(cue: Cue) -> int:
    return sum(1 for word in cue.words if word != ("*",))


def accepted(tokens: Sequence[Token], cues: Cues) -> list[Match]:
    """Matches, the longest cues first; a word that one tool's cue stands on is no other tool's."""
    taken: dict[int, str] = {}
    found: list[Match] = []
    starts = sorted((number, place) for place, token in enumerate(tokens) for number in cues.starting_at(token))
    for number, place in starts:
        tool, cue = cues.ordered[number]
        match = _matched(tokens, place, tool, cue)
        if match is None or _negated(tokens, place) or _is_noun(tokens, match.places) or _is_stated(tokens, match):
            continue
        if cue.weight > HINT:
            if any(taken.get(p, tool) != tool for p in match.places):
                continue
            taken |= dict.fromkeys(match.places, tool)
        found.append(match)
    return found


def _matched(tokens: Sequence[Token], start: int, tool: str, cue: Cue) -> Match | None:
    first = _fits(tokens[start], cue.words[0])
    rest = None if first is None else _rest(tokens, start + 1, cue.words[1:])
    if first is None or rest is None:
        return None
    return Match(tool, cue.weight - (1 if first + rest[1] else 0), (start, *rest[0]))


def _is_stated(tokens: Sequence[Token], match: Match) -> bool:
    """ "it makes 95 output tokens a second": a speed that is told, not asked for."""
    before = [token.text for token in tokens[max(0, match.places[0] - 2) : match.places[0]]]
    return match.tool == "benchmark" and len(match.places) > 1 and any(text[:1].isdigit() for text in before)


def _is_noun(tokens: Sequence[Token], places: Sequence[int]) -> bool:
    """Whether all of the cue's own words are parts of nouns."""
    words = [tokens[place] for place in places if tokens[place].candidate is None]
    return bool(words) and all(token.masked for token in words)


def _rest(tokens: Sequence[Token], at: int, words: Sequence[tuple[str, ...]], gap: int = 0) -> tuple[tuple[int, ...], int] | None:
    """Where the other words of a cue stand, small words skipped."""
    if not words:
        return (), 0
    if words[0] == ("*",):
        return _rest(tokens, at, words[1:], MOST_GAP)
    for place in range(at, len(tokens)):
        slips = _fits(tokens[place], words[0])
        if slips is not None:
            further = _rest(tokens, place + 1, words[1:])
            if further is not None:
                return (place, *further[0]), slips + further[1]
        if gap:
            gap -= 1
        elif tokens[place].word not in lexicon().words["fillers"]:
            return None
    return None


def _fits(token: Token, alternatives: Sequence[str]) -> int | None:
    """0 for a match, 1 for one with a slip, None for none. The name of a file is no word."""
    candidate = token.candidate
    if candidate and any(w[0] == "<" and _is_kind(candidate.kind, w[1:-1], str(candidate.value)) for w in alternatives):
        return 0
    if candidate and candidate.kind not in lexicon().values:
        return None
    exact, slipped = meant(token.word)
    if not exact.isdisjoint(alternatives) or any(same(token.word, w) for w in alternatives if w not in lexicon().vocabulary):
        return 0
    return None if slipped.isdisjoint(alternatives) else 1


@lru_cache(maxsize=4096)
def meant(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """The lexicon's words that this is a form of; only if there is none, those that it is one slip away from."""
    exact = lexicon().forms.get(stem(word), frozenset())
    near = [] if exact else [known for known in lexicon().vocabulary if nearly(word, known)]
    return exact, frozenset(near)


def _is_kind(kind: str, wanted: str, value: str) -> bool:
    if kind == "missing":
        is_model = value.lower().endswith((".gguf", ".safetensors", "/")) or "." not in value
        return wanted == ("model" if is_model else "dataset")
    return kind == wanted or (kind in ("file", "folder") and wanted == "dataset")


def _negated(tokens: Sequence[Token], place: int) -> bool:
    words, near = lexicon().words, [t.word for t in tokens[max(0, place - 3) : place]]
    for i, word in enumerate(near):
        if word in words["negations"] and all(
            w in words["fillers"] or w in ("do", "to", "need", "of", "than", "want", "even", "yet") for w in near[i + 1 :]
        ):
            return near[i - 1 : i] != ["or"] and near[i + 1 : i + 2] != ["only"]
    return False


def _parts(clause: Clause, matches: Sequence[Match]) -> list[tuple[Clause, list[Match]]]:
    """One clause may name two tools without a word between: cut before the second one's first word."""
    firsts: dict[str, int] = {}
    for match in matches:
        if match.weight >= SURE:
            firsts[match.tool] = min(firsts.get(match.tool, 10**6), match.places[0])
    if len(firsts) == 2 and {*firsts} == {"finetune", "memory_fit"} and firsts["finetune"] < firsts["memory_fit"]:
        return [(clause, [m for m in matches if m.tool != "finetune"])]  # "whether training all weights fits into 12 GiB"
    if len(firsts) < 2:
        return [(clause, list(matches))]
    cuts = sorted(firsts.values())[1:]
    parts = []
    for start, end in zip([0, *cuts], [*cuts, len(clause.tokens)], strict=True):
        inside = [m for m in matches if start <= m.places[0] < end]
        parts.append((Clause(clause.tokens[start:end], clause.opener if start == 0 else ""), inside))
    return parts


def _points(matches: Sequence[Match]) -> dict[str, float]:
    """The best cue of a tool, and a little for each further one."""
    points: dict[str, list[float]] = {}
    for match in matches:
        points.setdefault(match.tool, []).append(match.weight)
    return {tool: max(weights) + 0.25 * min(len(weights) - 1, 3) for tool, weights in points.items()}


def _merged(intents: Sequence[Intent]) -> list[Intent]:
    """Clauses without a tool belong to the one before; so do further words for the same tool."""
    merged: list[Intent] = []
    for intent in intents:
        last = merged[-1] if merged else None
        if last and not last.tool and intent.tool and last.scores.get(intent.tool, 0.0) >= LIKELY:
            merged[-1] = Intent(last.clause + intent.clause, _best_of(last.scores, intent.scores), intent.tool)
        elif last and last.tool == "compare" and intent.tool == "quantization_quality" and "dataset" not in _things(last):
            merged[-1] = Intent(last.clause + intent.clause, intent.scores, intent.tool)  # "what does it do to the quality if …"
        elif last and last.tool and _belongs_to(intent, last):
            last.clause = last.clause + intent.clause
            last.tool = intent.tool if _one_comparison(last, intent) else last.tool
        else:
            merged.append(intent)
    return merged


def _belongs_to(intent: Intent, last: Intent) -> bool:
    if not _stands_alone(intent) or (intent.tool == last.tool and not _both_have_own(last, intent)):
        return True
    if not intent.tool and intent.scores.get(last.tool, 0.0) >= LIKELY:
        return True
    own = set(_things(intent))
    measured_too = (
        last.tool == "compare" and intent.tool == "evaluate" and (not own or (own == {"dataset"} and "dataset" not in _things(last)))
    )
    in_the_card = (
        last.tool == "quantization_quality" and intent.tool in ("compare", "evaluate") and "dataset" not in (own & {*_things(last)})
    )
    in_the_card = in_the_card or (last.tool == "compare_tokenizers" and intent.tool == "compare" and "dataset" not in own)
    return measured_too or in_the_card or _one_comparison(last, intent)


def _best_of(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {tool: max(first.get(tool, 0.0), second.get(tool, 0.0)) for tool in {**first, **second}}


def _one_comparison(last: Intent, intent: Intent) -> bool:
    """ "test a.gguf and b.gguf on x.jsonl and tell me which is better" is one comparison, no evaluation."""
    models = {c.value for c in last.clause.candidates if c.kind == "model"}
    return last.tool == "evaluate" and intent.tool == "compare" and len(models) > 1 and not _things(intent)


def joined(asked: Sequence[Intent]) -> Intent:
    """All clauses as one that nobody has decided."""
    tokens = tuple(sorted((t for i in asked for t in i.clause.tokens), key=lambda t: t.start))
    scores: dict[str, float] = {}
    for intent in asked:
        for tool, points in intent.scores.items():
            scores[tool] = max(points, scores.get(tool, 0))
    return Intent(Clause(tokens), scores)


def mostly_unknown(asked: Sequence[Intent]) -> bool:
    """Whether most words that carry meaning are none of the lexicon's: "compare prices of flights to Oslo"."""
    small = lexicon().words["fillers"] | lexicon().words["function_words"]
    telling = [t.word for i in asked for t in i.clause.tokens if t.word.isalpha() and t.word not in small]
    unknown = [word for word in telling if not any(meant(word))]
    return len(unknown) >= 2 and len(unknown) > len(telling) / 2


def _things(intent: Intent) -> list[str]:
    return [c.kind for c in intent.clause.candidates if c.kind in ("dataset", "model", "missing", "folder", "file")]


def _stands_alone(intent: Intent) -> bool:
    return bool(intent.tool) or max(intent.scores.values(), default=0) >= LIKELY


def _both_have_own(first: Intent, second: Intent) -> bool:
    """Whether both clauses are full commands: each with its own data set or model."""
    if max(second.scores.values()) < SURE:
        return False
    kinds = [{c.kind for c in intent.clause.candidates} & {"dataset", "missing", "folder"} for intent in (first, second)]
    models = [{c.kind for c in intent.clause.candidates} & {"model"} for intent in (first, second)]
    return all(kinds) or all(models)


def _in_order(intents: Sequence[Intent]) -> list[Intent]:
    ordered: list[Intent] = []
    for intent in intents:
        if ordered and goes_first(intent.clause) and intent.tool:
            ordered[-1].waits = True
            ordered.insert(len(ordered) - 1, intent)
        else:
            ordered.append(intent)
    if len(ordered) > 1 and comes_later(ordered[0].clause) and ordered[0].tool:
        ordered[0], ordered[1] = ordered[1], ordered[0]
    return ordered
