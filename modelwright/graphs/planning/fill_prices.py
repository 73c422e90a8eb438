"""What a price is for, once the arguments of a step have their values: an hour, a million tokens, or a machine for good."""

from __future__ import annotations

import re
from dataclasses import replace

from modelwright.graphs.planning import phrases
from modelwright.graphs.planning.drafts import Draft
from modelwright.graphs.planning.fields import FieldSpec
from modelwright.graphs.planning.sheet import Sheet

_BEHIND = re.compile(r"\s?[^\s\d.,;:!?]+(?:\s[^\s\d.,;:!?]+)?")
"""The two words that may say it."""


def settle(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    _price_per(sheet, draft, fields)
    _paid_once(draft, fields)


def _price_per(sheet: Sheet, draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """What stands behind a price says what it is for, whatever else the request names: "at 2.85 USD/hr, what is that per million"."""
    place = re.fullmatch(r"request\[\d+:(\d+)\]", draft.sources.get("price", ""))
    if place is None or "price_per" not in fields:
        return
    end = int(place[1])
    behind = _BEHIND.match(sheet.request, end)
    said = [c for unit in fields["price_per"].allowed if behind and (c := phrases.value("price_per", unit, behind.group()))]
    if len(said) == 1:
        sheet.put(draft, "price_per", replace(said[0], start=end + said[0].start, end=end + said[0].end))


def _paid_once(draft: Draft, fields: dict[str, FieldSpec]) -> None:
    """ "15k usd, five-year write-off": what is used for years and has no price per hour or million tokens was bought."""
    bought = {"price", "lifetime_years"} <= draft.args.keys() and "price_per" not in draft.args
    if bought and "hardware_price" in fields and "hardware_price" not in draft.args:
        draft.args["hardware_price"], draft.sources["hardware_price"] = draft.args.pop("price"), draft.sources.pop("price")
