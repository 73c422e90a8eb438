"""Which tool a clause asks for: cues of the lexicon scored by code; the model chooses only where they do not decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from modelwright.contract import Tool
from modelwright.graphs.planning import arguments
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause, comes_later, goes_first
from modelwright.graphs.planning.cues import Match, accepted, all_cues, meant
from modelwright.graphs.planning.lexicon import LIKELY, SURE, lexicon
from modelwright.graphs.planning.tool_names import LOSS

MARGIN = 1.0
"""Points that the best tool must be ahead of the next; cues weigh 1, 2 or 3."""


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


def find(clauses: Sequence[Clause], tools: Mapping[str, Tool], told: Sequence[arguments.Said] = ()) -> list[Intent]:
    """The clauses with their scores, in the order in which they are to happen. Undecided ones have no tool yet.

    `told` are the arguments that the request speaks of: they count for the one tool that they speak for, as cues do."""
    cues = all_cues(tools)
    intents: list[Intent] = []
    for clause in clauses:
        for part, matches in _parts(clause, accepted(clause.tokens, cues)):
            intent = Intent(part, _with_arguments(_points(matches), part, told))
            intent.tool = intent.decisive
            intents.append(intent)
    return _in_order(_merged(intents))


def _parts(clause: Clause, matches: Sequence[Match]) -> list[tuple[Clause, list[Match]]]:
    """One clause may name two tools without a word between: cut before the second one's first word."""
    matches = _without_mere_types(clause, matches)
    firsts: dict[str, int] = {}
    for match in matches:
        if match.weight >= SURE:
            firsts[match.tool] = min(firsts.get(match.tool, 10**6), match.places[0])
    if "finetune" in firsts and any(m.tool == "memory_fit" and m.weight >= LIKELY for m in matches) and _asks(clause):
        return [(clause, [m for m in matches if m.tool != "finetune"])]  # "would training all weights fit into 12 GiB"
    if len(firsts) > 1 and (open_ones := [tool for tool, at in firsts.items() if _is_open(clause, tool, at, matches)]):
        matches = [m for m in matches if m.tool not in open_ones]
        firsts = {tool: at for tool, at in firsts.items() if tool not in open_ones}
    if len(firsts) < 2:
        return [(clause, list(matches))]
    cuts = sorted(firsts.values())[1:]
    parts = []
    for start, end in zip([0, *cuts], [*cuts, len(clause.tokens)], strict=True):
        inside = [m for m in matches if start <= m.places[0] < end]
        parts.append((Clause(clause.tokens[start:end], clause.opener if start == 0 else ""), inside))
    return parts


def _is_open(clause: Clause, tool: str, at: int, matches: Sequence[Match]) -> bool:
    """ "measure throughput of it": measuring alone says nothing of what is measured, where the next words do."""
    sure = [m for m in matches if m.tool == tool and m.weight >= SURE]
    return len(sure) == 1 and sure[0].places == (at,) and clause.tokens[at].word == "measure"


def _without_mere_types(clause: Clause, matches: Sequence[Match]) -> list[Match]:
    """ "how much memory does m.gguf in Q4_K_M need": a type beside a model makes nothing where another tool is asked for in words."""
    small = ("in", "at", "as", "with")
    mere = [
        m for m in matches if m.tool == "quantize" and all(clause.tokens[p].candidate or clause.tokens[p].word in small for p in m.places)
    ]
    named = any(m.weight >= SURE and m.tool != "quantize" for m in matches)
    return [m for m in matches if m not in mere] if named else list(matches)


def _asks(clause: Clause) -> bool:
    """Whether it is a question: then what it speaks of is weighed, not ordered."""
    words = {t.word for t in clause.tokens}
    return not words.isdisjoint(
        ("would", "will", "can", "could", "does", "do", "is", "if", "whether", "how", "enough", "passt", "reicht", "cabe", "tient")
    )


def _points(matches: Sequence[Match]) -> dict[str, float]:
    """The best cue of a tool, and a little for each further one."""
    points: dict[str, list[float]] = {}
    for match in matches:
        points.setdefault(match.tool, []).append(match.weight)
    return {tool: max(weights) + 0.25 * min(len(weights) - 1, 3) for tool, weights in points.items()}


def _with_arguments(points: dict[str, float], clause: Clause, told: Sequence[arguments.Said]) -> dict[str, float]:
    tool = arguments.spoken_of(told)
    here = arguments.points(told, clause.start, clause.end).get(tool, 0.0) if clause.tokens else 0.0
    return {**points, tool: points.get(tool, 0.0) + min(here * LIKELY, SURE)} if here else points


def _merged(intents: Sequence[Intent]) -> list[Intent]:
    """Clauses without a tool belong to the one before; so do further words for the same tool."""
    merged: list[Intent] = []
    for intent in intents:
        last = merged[-1] if merged else None
        if last and not last.tool and intent.tool and last.scores.get(intent.tool, 0.0) >= LIKELY:
            merged[-1] = Intent(last.clause + intent.clause, _best_of(last.scores, intent.scores), intent.tool)
        elif last and last.tool == "compare" and intent.tool == LOSS and "dataset" not in _things(last):
            merged[-1] = Intent(last.clause + intent.clause, intent.scores, intent.tool)  # "what does it do to the quality if …"
        elif last and (last.tool, intent.tool) == (LOSS, "kv_cache") and _only_types(intent):
            last.clause = last.clause + intent.clause  # "… and the same for a q8_0 KV cache"
        elif last and last.tool and _belongs_to(intent, last):
            if _one_comparison(last, intent):
                last.tool, last.scores = intent.tool, intent.scores
            last.clause = last.clause + intent.clause
        else:
            merged.append(intent)
    return _without_what_is_weighed(merged)


def _without_what_is_weighed(intents: list[Intent]) -> list[Intent]:
    """ "LoRA of m, rank 32: is 16 GiB enough?": a training without any data in the request is what the memory is asked for."""
    reads = any(kind in ("dataset", "folder") for intent in intents for kind in _things(intent))
    for first, second in pairwise(intents):
        if (first.tool, second.tool) == ("finetune", "memory_fit") and not reads:
            second.clause = first.clause + second.clause
            return [i for i in intents if i is not first]
    return intents


def _belongs_to(intent: Intent, last: Intent) -> bool:
    if not _stands_alone(intent) or (intent.tool == last.tool and not _both_have_own(last, intent)):
        return True
    if not intent.tool and intent.scores.get(last.tool, 0.0) >= LIKELY:
        return True
    own = set(_things(intent))
    its_data = own <= {"file"} or (own <= {"dataset", "file"} and "dataset" not in _things(last))
    measured_too = last.tool == "compare" and intent.tool == "evaluate" and (not own or its_data)
    in_the_card = last.tool == LOSS and intent.tool in ("compare", "evaluate") and "dataset" not in (own & {*_things(last)})
    in_the_card = in_the_card or (last.tool == "compare_tokenizers" and intent.tool == "compare" and "dataset" not in own)
    return measured_too or in_the_card or _one_comparison(last, intent)


def _only_types(intent: Intent) -> bool:
    return any(c.kind == "quant" for c in intent.clause.candidates) and not _things(intent)


def _best_of(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {tool: max(first.get(tool, 0.0), second.get(tool, 0.0)) for tool in {**first, **second}}


def _one_comparison(last: Intent, intent: Intent) -> bool:
    """ "test a.gguf and b.gguf on x.jsonl and tell me which is better", "see how it does on x.jsonl against the original"."""
    models = {c.value for c in last.clause.candidates if c.kind == "model"}
    goes_on = (
        not intent.clause.opener and intent.scores.get("compare", 0.0) >= SURE and "dataset" not in {*_things(last)} & {*_things(intent)}
    )
    return last.tool == "evaluate" and intent.tool == "compare" and (goes_on or (len(models) > 1 and not _things(intent)))


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
