"""Commands that plan and run: run, plan, call, resume."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import click

from modelwright.cli.base import JSON, MAX_OPTIONS, STREAM, bounds_of, finish, make_agent, require_runs, with_options
from modelwright.cli.input import call_arguments, checked_text, read_plan_file, read_request
from modelwright.cli.output import clear_errors, say, say_json
from modelwright.errors import BadRequest

if TYPE_CHECKING:
    from modelwright.agent.conversation import Conversation
    from modelwright.agent.session import Agent
    from modelwright.types import Plan


@click.command()
@click.argument("request", required=False, default="")
@click.option("--plan", "plan_file", metavar="FILE", help="run this plan instead of planning; - reads stdin")
@click.option("--yes", is_flag=True, help="grant what policy would ask (never what it denies)")
@click.option("--dry-run", is_flag=True, help="print the plan with its cost and decisions, run nothing")
@click.option("--policy", metavar="FILE", help="policy file instead of the default")
@click.option("--model", metavar="REF", help="what plans: builtin, a GGUF file, scripted:FILE")
@click.option("--session", metavar="NAME", help="as a turn of this session, so that `it` and `again` mean what was done in it; or `last`")
@with_options(*MAX_OPTIONS, JSON, STREAM)
@clear_errors
def run(
    request: str,
    plan_file: str | None,
    yes: bool,
    dry_run: bool,
    policy: str | None,
    model: str | None,
    session: str | None,
    as_json: bool,
    stream: bool,
    **maxima: Any,
) -> None:
    """Plan REQUEST, ask policy, run, verify, report. REQUEST - reads stdin."""
    limits, plan = bounds_of(maxima), read_plan_file(plan_file) if plan_file else None
    words = read_request(request)
    if not words.strip() and plan is None:
        raise BadRequest("the request is empty", fix='say what you want: modelwright run "quantize model.gguf to Q4_K_M"')
    agent = make_agent(as_json, stream, yes, model=model, policy=policy)
    if session:
        if plan is not None:
            raise BadRequest("--plan and --session do not go together", fix="a session keeps what was said; run the plan without one")
        say_in_session(agent, session, words, yes, dry_run, limits, as_json)
    if dry_run:
        show_plan(lambda: agent.plan(words, plan=plan), as_json)
    finish(agent.run(words, plan=plan, yes=yes, limits=limits), as_json)


def say_in_session(agent: Agent, name: str, words: str, yes: bool, dry_run: bool, limits: dict[str, Any], as_json: bool) -> NoReturn:
    """One turn of a session, and the end of the command."""
    from modelwright.agent.conversation import open_conversation
    from modelwright.cli.chat import named

    name = named(name)
    if dry_run and not agent.workspace.database.is_file():
        show_plan(lambda: agent.plan(words), as_json)
    with open_conversation(agent, name) as conversation:
        if dry_run:
            preview(conversation, words, as_json)
        said = conversation.say(words, yes=yes, limits=limits)
    if said.result:
        finish(said.result, as_json)
    say_json({"session": name, "answer": said.answer}) if as_json else say(said.answer)
    sys.exit(said.exit_code)


def preview(conversation: Conversation, words: str, as_json: bool) -> NoReturn:
    """The plan of a turn, or its answer; nothing of it is kept."""
    from modelwright.types import Plan

    meant = conversation.plan(words)
    if isinstance(meant, Plan):
        show_plan(lambda: meant, as_json)
    else:
        say_json({"session": conversation.name, "answer": meant.text}) if as_json else say(meant.text)
        sys.exit(meant.exit_code)


def show_plan(propose: Callable[[], Plan], as_json: bool) -> NoReturn:
    """Print a plan and end: 0 for a plan, 3 for a question, 2 for none."""
    from modelwright.plantable import plan_table

    proposed = propose()
    if as_json:  # arguments as they are: the plan is to be run from a file
        click.echo(json.dumps(proposed.model_dump(mode="json"), indent=2))
    else:
        say(plan_table(proposed))
    sys.exit({"plan": 0, "question": 3, "none": 2}[proposed.kind])


@click.command()
@click.argument("request")
@click.option("--policy", metavar="FILE", help="policy file instead of the default")
@click.option("--model", metavar="REF", help="what plans: builtin, a GGUF file, scripted:FILE")
@JSON
@clear_errors
def plan(request: str, policy: str | None, model: str | None, as_json: bool) -> None:
    """The plan alone, with estimates and decisions. Edit it as a file and run it with `run --plan FILE`."""
    agent = make_agent(as_json, False, False, model=model, policy=policy)
    show_plan(lambda: agent.plan(read_request(request)), as_json)


@click.command()
@click.argument("tool")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--args", "args_json", metavar="JSON", help="all arguments as one JSON object")
@click.option("--yes", is_flag=True, help="grant what policy would ask")
@click.option("--policy", metavar="FILE", help="policy file instead of the default")
@with_options(*MAX_OPTIONS, JSON, STREAM)
@clear_errors
def call(
    tool: str, arguments: tuple[str, ...], args_json: str | None, yes: bool, policy: str | None, as_json: bool, stream: bool, **maxima: Any
) -> None:
    """Call one TOOL without a planner: the same policy, ledger and checks."""
    args = call_arguments(tool, arguments, args_json)
    result = make_agent(as_json, stream, yes, policy=policy).call(tool, args, yes=yes, limits=bounds_of(maxima))
    if as_json and result.steps and result.exit_code in (0, 1) and result.steps[0].result:
        ran = result.steps[0]  # after a new plan not the tool that was named
        step = ran.as_json()
        say_json({"run": result.run, "tool": ran.tool, "args": ran.args, "result": step["result"], "checks": step["checks"]})
        sys.exit(result.exit_code)
    finish(result, as_json)


@click.command()
@click.argument("run")
@click.option("--approve", is_flag=True, help="allow, once, everything that is asked")
@click.option("--approve-for-run", is_flag=True, help="allow the asked tools for the rest of this run")
@click.option("--reject", metavar="STEP", help="refuse a step; the run ends")
@click.option("--reason", default="", help="why, with --reject")
@click.option("--edit", "edits", multiple=True, metavar="STEP.KEY=VALUE", help="change an argument; the step goes back through the gate")
@click.option("--answer", metavar="TEXT", help="the answer to the open question")
@click.option("--yes", is_flag=True, help="grant what policy asks from here on")
@with_options(*MAX_OPTIONS, JSON, STREAM)
@clear_errors
def resume(
    run: str,
    approve: bool,
    approve_for_run: bool,
    reject: str | None,
    reason: str,
    edits: tuple[str, ...],
    answer: str | None,
    yes: bool,
    as_json: bool,
    stream: bool,
    **maxima: Any,
) -> None:
    """Go on with RUN (an id, its beginning, or `last`) after a kill, a question, an approval or a spent budget."""
    from modelwright.prompts import parse_edits, refuse_unknown_step

    require_runs()
    agent = make_agent(as_json, stream, yes)
    shown = agent.show(run)
    asked = [c["id"] for c in (shown.pending or {}).get("calls", [])]
    planned = {step.id: step.tool for step in shown.plan.steps} if shown.plan else {}
    reply: dict[str, Any] = {}
    if approve or yes:
        reply["allow"] = asked
    if approve_for_run:
        reply["allow_for_run"] = asked
    if reject:
        refuse_unknown_step(reject, planned)
        reply["reject"] = {reject: checked_text(reason, "the reason")}
    if edits:
        reply["edit"] = parse_edits(edits, planned)
    if answer:
        reply["answer"] = checked_text(answer, "the answer")
    finish(agent.resume(run, reply=reply, limits=bounds_of(maxima), yes=yes), as_json)
