"""The one door to long-term memory: each proposal is accepted, merged, supersedes, is put in quarantine or rejected, with the reason.

In order: schema, secrets and personal data, instruction-shaped text, text recalled in the same run, duplicates,
contradictions, worth. Most of what agents remember without a gate is junk: one store had 97.8% of it after a month, 668
copies of a single recalled sentence among it (mem0 issue 4573). The rules are plain patterns: they see the usual shapes of
injection, not every one; what keeps memory harmless is that it cannot change policy or budgets (recall.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from modelwright.memory import trust
from modelwright.memory.items import Item
from modelwright.memory.words import split, stem_numbers
from modelwright.text import redact
from modelwright.types import Json, Limits

Kind = Literal["profile", "episodic", "semantic", "procedural"]
Action = Literal["accept", "merge", "supersede", "quarantine", "reject"]
KINDS = ("profile", "episodic", "semantic", "procedural")
LONGEST = 2000
SAME_WORDS, ECHO_WORDS = 0.9, 0.8
"""Shared stems over all stems (Jaccard) from which two texts say the same, or one repeats what was recalled."""

NEVER = frozenset(
    {"policy", "limits", "budget", "permissions", "approval", "approver", "yes", *(f"max_{name}" for name in Limits.model_fields)}
)
"""Fields that no profile may name."""
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b|(?<![\w.])\+?\d[\d ()/-]{8,}\d(?![\w.])", re.ASCII)
_POWERS = re.compile(
    r"(?i)\b(?:grant|raise|lift|disable|skip|bypass|override|ignore|extend|change)\b.{0,40}\b(?:permission|approval|budget|limit|polic|confirmation|"
    r"check)|\bwithout (?:asking|approval|confirm)|\b(?:always|auto\w*) (?:approve|allow|grant)|\bnever ask\b"
)
_INSTRUCTION = re.compile(
    r"(?i)\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|above|prior|earlier|all|instruction|rule)"
    r"|\byou (?:must|should|shall|have to|are now|will now)\b|\bfrom now on\b|\b(?:system|developer) (?:prompt|message)\b"
    r"|<\|?/?(?:im_start|im_end|system|assistant|user|tool)\b|\[/?INST\]|^\s*(?:system|assistant)\s*:"
    r"|^\s*(?:please )?(?:run|execute|call|delete|remove|upload|send|post|download|install|open|visit|reply|answer)\b"
    r"|\brm -rf\b|\bcurl \S|\bwget \S|\bpip install\b|\{\s*\"(?:tool|name|function)\"\s*:"
)


@dataclass(frozen=True)
class Proposal:
    """Something that a run, a tool or a person wants remembered."""

    kind: str
    text: str
    provenance: trust.Provenance
    key: str = ""
    """What it is about: a later one with the same key and kind takes its place. A profile needs one: the field."""
    metadata: Json = field(default_factory=dict)
    parents: Sequence[Item] = ()
    approved: bool = False
    """Whether a person said yes to this very text."""

    @property
    def trust(self) -> int:
        return trust.of(self.provenance.principal, [parent.trust for parent in self.parents])


@dataclass(frozen=True)
class Verdict:
    """`other` is the item that it was merged into or takes the place of."""

    action: Action
    reason: str
    other: Item | None = None


Rule = Callable[[Proposal], Verdict | None]


def judge(proposal: Proposal, *, same_key: Item | None, alike: Sequence[Item], recalled: Sequence[Item]) -> Verdict:
    """`alike` are known memories of its kind with many of its words; `recalled` is what its run was shown."""
    rules: list[Rule] = [
        _schema,
        _private,
        _instructions,
        lambda p: _echo(p, recalled),
        lambda p: _duplicate(p, alike),
        lambda p: _contradiction(p, same_key),
        _worth,
        _standing,
    ]
    for rule in rules:
        verdict = rule(proposal)
        if verdict:
            return verdict
    return Verdict("accept", "new")


def _schema(proposal: Proposal) -> Verdict | None:
    if proposal.kind not in KINDS:
        return Verdict("reject", f"schema: {proposal.kind!r:.40} is none of {', '.join(KINDS)}")
    if not proposal.text.strip() or len(proposal.text) > LONGEST:
        return Verdict("reject", f"schema: {len(proposal.text)} characters, 1 to {LONGEST} are kept")
    if proposal.kind == "profile" and not proposal.key:
        return Verdict("reject", "schema: a profile needs a field")
    return None


def _private(proposal: Proposal) -> Verdict | None:
    if redact(proposal.text) != proposal.text or redact(str(proposal.metadata)) != str(proposal.metadata):
        return Verdict("reject", "it holds what looks like a secret")
    if proposal.kind != "episodic" and _PERSONAL.search(proposal.text) and not proposal.approved:
        return Verdict("quarantine", "it holds what looks like an address, a number of a person or an account: approve it to keep it")
    return None


def _instructions(proposal: Proposal) -> Verdict | None:
    names_power = proposal.kind == "profile" and proposal.key.rsplit(".", 1)[-1].lower() in NEVER
    if names_power or (proposal.kind != "episodic" and _POWERS.search(proposal.text)):
        return Verdict("reject", "memory cannot change permissions, approvals, policy or budgets")
    from_outside = proposal.provenance.principal not in trust.OURS
    if from_outside and not proposal.approved and _INSTRUCTION.search(proposal.text):
        return Verdict("quarantine", f"it reads like an instruction and comes from a {proposal.provenance.principal}")
    if proposal.kind == "procedural" and not proposal.approved:
        return Verdict("quarantine", "how things are done is remembered only when a person approves it")
    return None


def _echo(proposal: Proposal, recalled: Sequence[Item]) -> Verdict | None:
    """No episode of the run's own is an echo: its request is the user's."""
    if proposal.kind == "episodic":
        return None
    for item in recalled:
        if likeness(proposal.text, item.text) >= ECHO_WORDS:
            return Verdict("reject", f"it was recalled in this very run (memory {item.id})", item)
    return None


def _duplicate(proposal: Proposal, alike: Sequence[Item]) -> Verdict | None:
    for item in alike:
        same_topic = not proposal.key or item.key in (None, proposal.key)
        if proposal.kind in ("semantic", "procedural") and same_topic and likeness(proposal.text, item.text) >= SAME_WORDS:
            return Verdict("merge", f"memory {item.id} says the same", item)
    return None


def _contradiction(proposal: Proposal, same_key: Item | None) -> Verdict | None:
    if same_key is None:
        return None
    if same_key.text == proposal.text:
        return Verdict("merge", f"memory {same_key.id} says the same", same_key)
    if proposal.trust >= same_key.trust:
        return Verdict("supersede", f"newer than memory {same_key.id}: {same_key.text:.80}", same_key)
    return Verdict("quarantine", f"it contradicts memory {same_key.id}, which is trusted more: {same_key.text:.80}", same_key)


def _worth(proposal: Proposal) -> Verdict | None:
    """Would it change a later answer? Less than three words say nothing that does."""
    if proposal.kind in ("semantic", "procedural") and len(set(split(proposal.text))) < 3:
        return Verdict("reject", "too short to be of use")
    return None


def _standing(proposal: Proposal) -> Verdict | None:
    if proposal.trust == 0 and not proposal.approved:
        return Verdict("quarantine", "it comes from a page or a document: approve it to keep it")
    return None


def likeness(a: str, b: str) -> float:
    """Shared stems over all stems, 0 to 1."""
    first, second = (set(stem_numbers(split(text)).values()) for text in (a, b))
    return len(first & second) / len(first | second) if first | second else 1.0
