"""Patterns to training rows, of three kinds: as they are, joined, and beside cards of tools that nobody knows.

Three facts to know. Everything random comes from one seed. Tools are balanced: a tool with few patterns is filled more
often. And a row that is too near a held-out request is refused, as are rows that read the same as one before.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from modelwright.agent.planner_training.noise import noisy
from modelwright.agent.planner_training.overlap import HeldOut
from modelwright.agent.planner_training.patterns import Filled, Pattern, fill, joined, learnt
from modelwright.agent.planner_training.rows import NEAR, Counts, Row, Rows, Unusable
from modelwright.agent.planner_training.toys import project_tools, requests, toys
from modelwright.agent.planner_training.values import Values
from modelwright.contract import Tool
from modelwright.graphs.planning.fields import fields_of

SHARES = {"patterns": 0.72, "joined": 0.13, "cards": 0.15}
"""Of the rows; `cards` are those that show cards of tools which are not known by heart."""
MOST_FILLINGS = 8
"""Of one pattern: more of the same words teaches the words, not the meaning."""


class Builder:
    """Rows of all kinds, without end."""

    def __init__(self, patterns: Sequence[Pattern], held_out: HeldOut, seed: int, counts: Counts) -> None:
        self._patterns, self._held_out, self._counts = patterns, held_out, counts
        self._chance = random.Random(seed)
        own, self._invented = project_tools(), toys("invented")
        self.known = learnt(patterns)
        self._rows = Rows({**self._invented, **own}, self.known, counts)
        self._asks = [(name, text) for name, texts in requests().items() for text in texts]
        self._seen: set[str] = set()
        self._single = [p for p in patterns if p.kind == "plan" and len(p.steps) == 1]

    def rows(self, count: int) -> Iterator[Row]:
        """About `count` rows in the shares of SHARES, shuffled."""
        found = [row for pattern in self._often(round(count * SHARES["patterns"])) if (row := self._row(pattern))]
        found += self._until(round(count * SHARES["joined"]), lambda: self._row(self._join()))
        found += self._until(round(count * SHARES["cards"]), self._card_row)
        self._chance.shuffle(found)
        yield from found

    def _often(self, count: int) -> list[Pattern]:
        """Patterns drawn so that tools are balanced: weight 1/sqrt of how many patterns share the rarest tool of each."""
        uses = Counter(tool for pattern in self._patterns for tool in set(pattern.tools)) | Counter(
            {kind: n for kind, n in Counter(p.kind for p in self._patterns).items() if kind == "none"}
        )
        weights = [
            min(uses[t] for t in (p.tools or ("none",)) if uses[t]) ** -0.5 if p.kind != "question" else 0.06 for p in self._patterns
        ]
        drawn: Counter[int] = Counter({index: pattern.times for index, pattern in enumerate(self._patterns)})
        while drawn.total() < count and any(n < MOST_FILLINGS for n in drawn.values()):
            index = self._chance.choices(range(len(self._patterns)), weights)[0]
            if drawn[index] < MOST_FILLINGS and (self._patterns[index].slots or drawn[index] < 3):
                drawn[index] += 1
        return [self._patterns[index] for index in drawn.elements()]

    def _until(self, count: int, make: Callable[[], Row | None]) -> list[Row]:
        """At most four tries a row."""
        made = (row for _ in range(4 * count) if (row := make()))
        return list(islice(made, count))

    def _join(self) -> Pattern:
        first, second = self._chance.sample(self._single, 2)
        return joined(first, second, self._chance)

    def _card_row(self) -> Row | None:
        """A request for an invented tool whose card is shown; or any request beside cards that do not fit it."""
        kind = self._chance.random()
        if kind < 0.55:
            name, text = self._chance.choice(self._asks)
            return self._row(self._invented_pattern(name, text), self._cards(name))
        if kind < 0.75:
            name, text = self._chance.choice(self._asks)
            pattern = self._invented_pattern(name, text)
            others = [tool for tool in self._cards() if tool.name != name]
            return self._row(Pattern(pattern.request, "none", [], pattern.slots), others)
        return self._row(self._chance.choice(self._patterns), self._cards())

    def _cards(self, *names: str) -> list[Tool]:
        others = self._chance.sample(sorted(set(self._invented) - set(names)), self._chance.randint(0 if names else 1, 3))
        return [self._invented[name] for name in (*names, *others)]

    def _invented_pattern(self, name: str, text: str) -> Pattern:
        """The request for an invented tool, with slots of the kinds that its fields take."""
        specs, kinds, args = fields_of(self._invented[name].args), dict[str, str](), dict[str, object]()
        for slot in dict.fromkeys(re.findall(r"\{(\w+)\}", text)):
            spec = specs[slot]
            if spec.allowed:
                value = self._chance.choice(spec.allowed)
                text, args[slot] = text.replace(f"{{{slot}}}", value), value
                continue
            kinds[slot] = _slot_kind(spec.role, spec.inner, spec.description)
            args[slot] = [f"{{{slot}}}"] if spec.is_list else f"{{{slot}}}"
        return Pattern(text, "plan", [{"tool": name, "args": args}], kinds)

    def _row(self, pattern: Pattern, shown: Sequence[Tool] = ()) -> Row | None:
        """None for what cannot be a row; the reason is counted."""
        text = noisy(pattern.request, self._chance, pattern.words)
        folder = Path(tempfile.mkdtemp(prefix="planner-"))
        try:
            filled = fill(Pattern(text, pattern.kind, pattern.steps, pattern.slots), Values(self._chance, folder))
            self._refuse(filled)
            row = self._rows.make(filled, folder, shown)
        except Unusable as error:
            self._counts.rows[str(error)] += 1
            return None
        finally:
            shutil.rmtree(folder)
        if row.user in self._seen:
            self._counts.rows["the same as another"] += 1
            return None
        self._seen.add(row.user)
        return row

    def _refuse(self, filled: Filled) -> None:
        if self._held_out.near(filled.request):
            raise Unusable(NEAR)


def _slot_kind(role: str, inner: str, description: str) -> str:
    if role == "dataset":
        return "dataset"
    if role == "output":
        return "output"
    if role:
        return "folder" if "folder" in description else "text_file"
    return "int" if inner in ("integer", "number") else "index"


def write(patterns: Sequence[Pattern], out: Path, held_out: Sequence[Path], count: int, seed: int) -> Counts:
    """Write about `count` rows as chats; what was left out and why is counted."""
    counts = Counts()
    sealed = [json.loads(line)["request"] for path in held_out for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    builder = Builder(patterns, HeldOut(sealed), seed, counts)
    with out.open("w", encoding="utf-8") as stream:
        for row in builder.rows(count):
            stream.write(json.dumps(row.as_chat(builder.known), ensure_ascii=False) + "\n")
            counts.rows["kept"] += 1
            counts.rows.update(f"kept: {tool}" for tool in row.tools or (row.answer,))
    return counts
