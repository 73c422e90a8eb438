"""Commands about what would be allowed: policy check, policy simulate."""

from __future__ import annotations

from pathlib import Path

import click

from modelwright.cli.base import JSON, open_db
from modelwright.cli.output import clear_errors, say, say_json, say_table

ALL_RUNS = 1000
"""the newest; more are no help to a person"""


@click.group()
def policy() -> None:
    """What would be allowed, and why."""


@policy.command("check")
@click.argument("file", required=False)
@JSON
@clear_errors
def policy_check(file: str | None, as_json: bool) -> None:
    """Load a policy FILE (or the default), run its rules' own examples, list what is noticeable."""
    from modelwright.policies import check
    from modelwright.tools import names

    findings = check(Path(file) if file else None, names())
    if as_json:
        say_json({"file": file, "findings": findings})
    else:
        say("\n".join(findings) if findings else "the policy loads and all its examples hold")


@policy.command("simulate")
@click.argument("names", nargs=-1, metavar="[RUN]...")
@click.option("--policy", "file", metavar="FILE", help="the policy to try; the default if left out")
@click.option("--changed", is_flag=True, help="show only calls that are decided otherwise than then")
@JSON
@clear_errors
def policy_simulate(names: tuple[str, ...], file: str | None, changed: bool, as_json: bool) -> None:
    """Decide every call of past runs (each RUN, or all) again under another policy; runs nothing."""
    from modelwright.agent.runs import Runs
    from modelwright.agent.simulate import simulate, totals

    with open_db() as db:
        runs = [Runs(db).get(name) for name in names] or Runs(db).all(ALL_RUNS)
        found = simulate(db, runs, Path(file) if file else None, Path("."))
    shown = [one for one in found if one.changed or not changed]
    if as_json:
        say_json([one.as_json() for one in shown])
    else:
        say_table([["run", "step", "tool", "then", "now", "rule"], *[[o.run, o.step, o.tool, o.then, o.now, o.rule] for o in shown]])
        say(totals(found))
