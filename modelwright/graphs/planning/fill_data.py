"""Which data set a step works on: from its own clause, by its place ("the second"), or the only one of the request.

Never silently what the same plan trains on, to measure with: then it asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from modelwright.graphs.planning import phrases, questions
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.clauses import Clause, mentions
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec, fields_of, made_models, measures
from modelwright.graphs.planning.questions import wording
from modelwright.graphs.planning.sheet import Sheet

EVAL = "eval_dataset"
TRAIN_NAMES, TEST_NAMES = ("train",), questions.TEST_NAMES
NOT_DATA = ("rows", "examples", "lines", "model")
ORDINALS = (("first", "former"), ("second", "latter", "other"), ("third",))
_LEARNS = re.compile(
    r"\b(?:train\w*|tun\w+|fine-?tun\w+|learn\w*|teach\w*|lora|qlora|dora)(?: \w+){0,3} (?:on|with|from) [\"'`]?$", re.IGNORECASE
)
"""Before a file that is said to be learnt from, whatever its name."""
SAME = (
    "same data",
    "same file",
    "same set",
    "same rows",
    "same examples",
    "the same",
    "on it",
    "with it",
    "from it",
    "on that",
    "against it",
    "that file",
    "that data",
    "training data",
    "training set",
    "training file",
    "train set",
    "dessus",
    "damit",
    "darauf",
    "con ello",
    "con eso",
    "su questo",
    "nele",
    "com isso",
    "daarmee",
    "daarop",
)


_OTHERS = re.compile(
    r"\b(?:on|with|against|over|using|via|answers?|solves?) (?:the|our|my|some|those|his|her|their|a|an) (?!(?:same|training"
    r"|train)\b)(?:[\w-]+ ){0,3}?(?:questions|rows"
    r"|examples|sets?|file|data|cases|items|sentences|exams?|quiz(?:zes)?|tests?|holdout|hold-out|suite|benchmark|samples|queries|prompts"
    r"|transcripts|dialog(?:ue)?s|tickets|e?-?mails|letters)\b"
    r"|\b(?:auf|an|mit|anhand|gegen) (?:de[nmr]|meine[nmr]?|unsere[nmr]?|einer?|seine[nmr]?) (?:[\w-]+ ){0,2}?\w*(?:fragen"
    r"|prüfung\w*|tests?|testfällen?|testdaten"
    r"|beispielen?|aufgaben|datensatz|daten)\b"
    r"|\b(?:nas|nos|na|no|com as|com os|en las|en los|con las|con los|en el|en la|sur les|sur le|sur la|avec les|sulle|sui|sugli|sul"
    r"|sulla|con le"
    r"|con i|op de|op het|met de|på|med|mot) (?:(?:mis|minhas|nuestr[ao]s|mes|nos|mie|nostre|onze|mijn|mina|våra|mine|våre"
    r"|vores) )?(?:[\w-]+ ){0,2}?"
    r"(?:perguntas|preguntas|questions|domande|vragen|frågor(?:na)?|spørgsmål\w*|spørsmål\w*|exam\w*|esam\w*|testes?|tests?|prova|prueba|toets\w*"
    r"|\w+mängden|\w+sette?t|\w+sættet|dados|datos|données|dati|exemplos|ejemplos|exemples|esempi)\b",
    re.IGNORECASE,
)
"""Other data than the ones that are named: "the questions that Sam wrote"."""


def is_learnt(sheet: Sheet, draft: Draft, candidate: Candidate) -> bool:
    """ "train on a.jsonl, then compare on the questions that Sam made": what is learnt from is not what is measured on, where other data
    are spoken of."""
    others = _OTHERS.search(sheet.request, candidate.end)
    if not measures(draft.tool) or not others or mentions(draft.clause, *SAME):
        return False
    trains = [d for d in sheet.drafts if made_models(d.tool) and d.sources.get("dataset") == candidate.evidence]
    own = sum(c.value == candidate.value for c in sheet.candidates) > 1 and any(c.value == candidate.value for c in draft.clause.candidates)
    return bool(trains) and not (own and not any(candidate in d.clause.candidates for d in trains))


def own_instead(sheet: Sheet, draft: Draft, chosen: Candidate) -> Candidate:
    """ "watch the loss on dev.jsonl, then compare on quiz.csv": the one data set of the step's own clause rather than another step's. And
    "x_train.jsonl is the training set, x_test.jsonl the test set": what is called for training is what is learnt from."""
    if made_models(draft.tool) and _sounds(chosen, TEST_NAMES) and not _LEARNS.search(sheet.request[: chosen.start]):
        train = {c.value: c for c in sheet.candidates if c.kind == "dataset" and _sounds(c, TRAIN_NAMES)}
        return next(iter(train.values())) if len(train) == 1 else chosen
    own = [c for c in draft.clause.candidates if c.kind == "dataset"]
    aside = phrases.role(EVAL, sheet.request, chosen.start, chosen.end) or any(d.args.get(EVAL) == chosen.value for d in sheet.drafts)
    return own[0] if aside and len(own) == 1 and measures(draft.tool) else chosen


def fill(sheet: Sheet, draft: Draft, field: FieldSpec) -> None:
    found = draft.dataset or _named_dataset(sheet, draft)
    if found is None and field.required:
        found = _other_dataset(sheet, draft)
    if found is None:
        if field.required:
            wanted = questions.TEST_NAMES if measures(draft.tool) else questions.TRAIN_NAMES
            sheet.put(draft, field.name, sheet.answers.path(wording(draft.tool.name, field), "dataset", wanted=wanted))
        return
    if sheet.asks and made_models(draft.tool) and EVAL in fields_of(draft.tool.args) and _sounds(found, TEST_NAMES):
        sheet.put(draft, EVAL, found)  # "for the loss use dev.jsonl": what is learnt from is what the draft misses
        found = sheet.answers.path(wording(draft.tool.name, field), "dataset", wanted=TRAIN_NAMES)
    sheet.put(draft, field.name, sheet.existing(found, field, draft))


def _named_dataset(sheet: Sheet, draft: Draft) -> Candidate | None:
    """From the step's own clause. Two that could both be meant are settled by their names, or asked about."""
    here = list({c.value: c for c in draft.clause.candidates if sheet.may_be_data(c, draft)}.values())
    here = [c for c in here if not is_learnt(sheet, draft, c)]
    ordinal = _ordinal(sheet, draft.clause)
    if ordinal and (not here or len(here) > 1):
        return ordinal
    if len(here) > 1:
        return _right_one(sheet, draft, here)
    return _pointed_at(sheet, draft, here[0]) if here else None


def _pointed_at(sheet: Sheet, draft: Draft, here: Candidate) -> Candidate:
    """ "check a.jsonl, then train and report on a_test.jsonl": one that is to measure with is not what a training learns from."""
    before = list({c.value: c for c in sheet.candidates if c.kind == "dataset" and c in sheet.used and c.start < here.start}.values())
    trains = bool(made_models(draft.tool)) and _sounds(here, TEST_NAMES) and not any(_sounds(c, TEST_NAMES) for c in before)
    told = mentions(draft.clause, *SAME) or not _LEARNS.search(sheet.request[: here.start])
    return before[0] if trains and told and len(before) == 1 else here


def _right_one(sheet: Sheet, draft: Draft, here: Sequence[Candidate]) -> Candidate:
    """By the file's name: train… for training, eval…, test … for measuring; another one that sounds like it is for evaluation."""
    wanted, unwanted = (TEST_NAMES, TRAIN_NAMES) if measures(draft.tool) else (TRAIN_NAMES, TEST_NAMES)
    fitting = [c for c in here if _sounds(c, wanted)]
    if len(fitting) != 1:
        fitting = [c for c in here if not _sounds(c, unwanted)]
    elsewhere = [c for d in sheet.drafts if d is not draft and measures(d.tool) for c in d.clause.candidates]
    others = [c for c in here if c not in fitting and (measures(draft.tool) or c not in elsewhere)]
    if len(fitting) != 1 or (not measures(draft.tool) and not all(_sounds(c, TEST_NAMES) for c in others)):
        chosen = sheet.answers.choose(f"{draft.tool.name} takes one data set. Which one?", [str(c.value) for c in here])
        return replace(next(c for c in here if str(c.value) == chosen.value), source="answer")
    if not measures(draft.tool) and "eval_dataset" in draft.tool.args.model_fields and len(others) == 1:
        sheet.put(draft, "eval_dataset", sheet.existing(others[0], fields_of(draft.tool.args)["eval_dataset"], draft))
    return fitting[0]


def _sounds(candidate: Candidate, names: Sequence[str]) -> bool:
    return any(name in str(candidate.value).rsplit("/", 1)[-1].lower() for name in names)


def _ordinal(sheet: Sheet, clause: Clause) -> Candidate | None:
    """ "the second" is the second data set that the request names, but "the second model" and "the first rows" are not."""
    mentioned = list({c.value: c for c in sheet.candidates if c.kind in ("dataset", "missing")}.values())
    if len(mentioned) < 2:
        return None
    for candidate, words in zip(mentioned, ORDINALS, strict=False):
        for word in words:
            if mentions(clause, f"the {word}") and not mentions(clause, *(f"the {word} {noun}" for noun in NOT_DATA)):
                return candidate
    return None


def _is_to_measure_with(sheet: Sheet, draft: Draft, candidate: Candidate) -> bool:
    """ "train on my dialogues and compare it on test.jsonl": by its name, and by the step in whose clause alone it stands."""
    beside = [d for d in sheet.drafts if d is not draft and candidate in d.clause.candidates]
    return (
        bool(beside)
        and all(measures(d.tool) for d in beside)
        and _sounds(candidate, TEST_NAMES)
        and candidate not in draft.clause.candidates
    )


def _other_dataset(sheet: Sheet, draft: Draft) -> Candidate | None:
    """The one data set that the request names elsewhere. Never silently what the same plan trains on, to measure with."""
    indexed = {d.args.get("path") for d in sheet.drafts if d.tool.name == "rag_index"}
    data = [c for c in sheet.candidates if c.kind in ("dataset", "folder") or (c.kind == "missing" and not sheet.model_like(c))]
    data = [c for c in data if not sheet.is_written(c) and not (made_models(draft.tool) and _is_to_measure_with(sheet, draft, c))]
    data = [c for c in data if (c.value not in indexed or c.kind == "dataset") and c.evidence not in draft.sources.values()]
    elsewhere = list({c.value: c for c in data}.values())
    trained = {d.args.get("dataset") for d in sheet.drafts if made_models(d.tool)}
    if measures(draft.tool) and not mentions(draft.clause, *SAME):
        elsewhere = [c for c in elsewhere if c.value not in trained]
        last = max((c.end for c in elsewhere if c in sheet.used), default=0)
        if last and _OTHERS.search(sheet.request, last):
            elsewhere = [c for c in elsewhere if c not in sheet.used]
    if measures(draft.tool) and not elsewhere:
        return None
    used = [c for c in elsewhere if c in sheet.used]
    fresh = [c for c in elsewhere if c not in sheet.used]
    if len(elsewhere) == 1:
        return elsewhere[0]
    if mentions(draft.clause, "it", "that", "same") and used:
        return used[-1]
    if made_models(draft.tool) and len(used) == 1 and fresh and all(_sounds(c, TEST_NAMES) for c in fresh):
        return used[0]  # "check a.jsonl, train, then compare on a_test.jsonl"
    if len(fresh) == 1:
        return fresh[0]
    return _right_one(sheet, draft, fresh or elsewhere) if elsewhere else None
