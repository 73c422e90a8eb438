"""What a plan asks the planning model: for a draft, which of some tools a clause means, how likely values are.

Every call becomes a ModelCall, so that time to the first token, tokens a second and cost reach the trace. Recall stands
here too, as it picks the tools that the model is asked about. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelwright.canonical import sha256_of
from modelwright.contract import Tool
from modelwright.errors import EngineMissing
from modelwright.graphs.planning import clauses, fill_open, open_choice, slots, strangers
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.intents import Intent
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.recall import MOST_CARDS, Embed, Found, Recall, RememberedPlan, words_of
from modelwright.models.base import Choice, Draft, KnowsTools, ModelCall, OnModelCall, PlanningModel, Ranks, WholePlans

MOST_CHOICES = 5
"""Tools that the model is asked about, beside "something else"; each costs 0.1 s when its examples were read before."""
MOST_NEAREST = 3
ALIKE = 0.35
"""Cosine of request and card from which a tool may be meant without a word in common."""


@dataclass
class Consult:
    model: PlanningModel | None
    tools: Mapping[str, Tool]
    told: OnModelCall
    note: Callable[[str, object], None]
    """Takes a stage and what it saw."""
    embed: Embed | None = None
    remembered: Sequence[RememberedPlan] = ()
    memories: str = ""
    """Fenced, for a model that reads text."""
    drafts: bool = True
    """Until a model says that it only chooses."""
    _recall: Recall | None = field(default=None, init=False)
    _found: dict[str, list[str]] = field(default_factory=dict, init=False)
    """Of the last request."""
    _sure: bool = field(default=False, init=False)

    def recalled(self, request: str) -> list[Tool]:
        """The likeliest tools, best first, filled up with others to a full hand; behind them all that the model knows by heart.

        A model that knows tools by heart is shown further ones only where the request speaks of them."""
        known: frozenset[str] = self.model.tuned_tools if isinstance(self.model, KnowsTools) else frozenset()
        if request not in self._found:
            # Among a hand of tools that the model must be shown there is nothing to pick, so no embedder is started for it.
            embed = self.embed if len(self.tools.keys() - known) > MOST_CARDS and not self._sure else None
            self._recall = self._recall or Recall(self.tools, None, self.remembered)
            self._recall.embed = embed
            found = self._recall.find(request)
            self._found = {request: [f.tool for f in found if f.tool in known or not known or self._speaks_of(request, f)]}
            self.note("recall", [{"tool": f.tool, "score": f.score, "lexical": f.lexical, "dense": f.dense} for f in found])
        names = self._found[request]
        shown = names if known else [*names, *(n for n in self.tools if n not in names)][:MOST_CARDS]
        return [self.tools[n] for n in [*shown, *(n for n in self.tools if n in known and n not in shown)]]

    def _speaks_of(self, request: str, found: Found) -> bool:
        """Whether a tool that the model was not tuned on may be meant. It tends to take what it is shown, so it is shown little: no
        tool that the rules know, and others only for a word in common."""
        tool = self.tools[found.tool]
        if not fill_open.unseen(tool):
            return False
        says = words_of(" ".join([tool.name.replace("_", " "), tool.summary, *tool.keywords]))
        return found.dense >= ALIKE or not set(says).isdisjoint(words_of(request))

    def begin(self, *, sure: bool) -> None:
        """A new plan: its recall is told anew. `sure`: the rules are, so that no embedder is started for it."""
        self._found, self._sure = {}, sure

    def likely_deeds(self, request: str) -> list[str]:
        """What the recalled tools do, as choices."""
        return [lexicon().of(tool).does for tool in self.recalled(request)[:MOST_CHOICES]]

    def nearest(self, request: str) -> list[str]:
        """What the tools do that have most words in common with a request that none of them serves, best first; none where none has any."""
        found = [one.tool for one in Recall(self.tools).find(request, MOST_NEAREST)]
        return [lexicon().of(self.tools[name]).does for name in found if name in self.tools]

    def draft(self, request: str, found: Sequence[Candidate]) -> tuple[Draft, dict[str, Candidate]] | None:
        """The model's draft and what its tags stand for; None where there is no model that drafts."""
        if self.model is None or not self.drafts or untuned(self.model):
            return None
        question, tags = slots.question(request, found, self.recalled(request))
        question = replace(question, memories=self.memories)
        try:
            draft = self.model.draft(question)
        except EngineMissing:
            if not isinstance(self.model, WholePlans):
                raise
            self.drafts = False  # a scripted model only chooses
            return None
        said = " ".join([draft.kind, *(s.tool for s in draft.steps)])
        sha256 = sha256_of([question.masked, [c.tool for c in question.cards]])
        self._tell("draft", sha256, dict(draft.alternatives), said, draft)
        steps = [{"tool": s.tool, **s.fields} for s in draft.steps]
        first = dict(draft.alternatives[:MOST_CHOICES])
        self.note("draft", {"masked": question.masked, "kind": draft.kind, "steps": steps, "score": round(draft.score, 4), "first": first})
        return draft, tags

    def choose(self, intent: Intent, request: str) -> str:
        """The tool that a clause means, empty for something else. Raises EngineMissing without a model."""
        words = lexicon()
        ranked = [name for name, _ in intent.ranked if name in self.tools]
        recalled = [tool.name for tool in self.recalled(request)]
        names = list(dict.fromkeys([*ranked, *recalled]))[: MOST_CHOICES if ranked else MOST_CARDS]
        choices = {words.of(self.tools[n]).does: n for n in names} | {words.none_choice: ""}
        if self.model is None:
            raise EngineMissing(
                "this request needs the planning model to be understood, and none is installed",
                fix="pip install 'modelwright[llama]', or say it with the tool's name: " + ", ".join(names),
            )
        examples = {words.of(self.tools[n]).does: words.of(self.tools[n]).examples for n in names} | {
            words.none_choice: words.none_examples
        }
        prompt = _plain_names(intent)
        choice = self.model.choose(prompt, list(choices), purpose="intent", examples=examples)
        scores = {text: choice.scores.get(text, 0.0) for text in choices}
        self._tell("intent", sha256_of([prompt, list(choices)]), scores, choice.text, choice)
        self.note("model", {"prompt": prompt, "scores": choice.scores, "choice": choice.text})
        return choices[choice.text]

    # tools that nobody described -------------------------------------------------------------------------------

    def strangers(self, request: str) -> list[Tool]:
        """Where the lexicon knows none that there is, as no draft was learned for them: all of a hand, of more those that are recalled.

        Among a few tools a word that all have in common is worth nothing to BM25, so that recall would find none."""
        if self.model is None or isinstance(self.model, WholePlans) or not all(map(fill_open.unseen, self.tools.values())):
            return []
        return list(self.tools.values()) if len(self.tools) <= MOST_CARDS else self.recalled(request)

    def plugin(self, request: str, asked: Sequence[Intent], found: Sequence[Candidate]) -> str:
        """A tool beside the lexicon's that the request speaks of in its own words, or nothing."""
        if not any(map(fill_open.unseen, self.tools.values())):
            return ""
        name = strangers.meant_by(request, asked, found, self.recalled(request))
        if name:
            self.note("decision", {"by": "recall", "kind": "plan", "tools": [name]})
        return name

    def among(self, tools: Sequence[Tool], request: str, clause: clauses.Clause) -> list[Intent]:
        assert self.model
        found = open_choice.choose(request, tools, self.model)
        self._tell("intent", sha256_of([request, found.choices]), found.choice.scores, found.choice.text, found.choice)
        self.note("decision", {"by": "likelihood", "tools": [found.tool], "points": {n: round(p, 3) for n, p in found.points.items()}})
        return [Intent(clause, dict(found.points), found.tool)]

    def rank(self, lead: str, texts: Sequence[str]) -> Sequence[float]:
        assert isinstance(self.model, Ranks)
        found = self.model.rank(lead, texts)
        self._tell("value", sha256_of([lead, list(texts)]), found.scores, found.text, found)
        return [found.scores[text] for text in texts]

    def _tell(self, purpose: str, sha256: str, scores: Mapping[str, float], said: str, answer: Choice | Draft) -> None:
        assert self.model
        rounded = {text: round(score, 4) for text, score in scores.items()}
        self.told(ModelCall.of(self.model.name, purpose, sha256, rounded, said, answer))


def untuned(model: PlanningModel) -> bool:
    """Whether it is a model that drafts well only with an adapter, and has none: its drafts are not worth their seconds."""
    return isinstance(model, KnowsTools) and not model.tuned_tools


def _plain_names(intent: Intent) -> str:
    """The clause with files called data.jsonl and model.gguf: their real names are noise to a model."""
    words = []
    for token in intent.clause.tokens:
        kind = token.candidate.kind if token.candidate else ""
        stands_for = {"dataset": "data.jsonl", "model": "model.gguf", "missing": "data.jsonl", "output": "out"}.get(kind, token.text)
        words.append("the model" if token.candidate and token.candidate.value == "builtin" else stands_for)
    return " ".join(words)
