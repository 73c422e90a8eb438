"""The command line: parsing only. stdout is data, stderr is narration.

`--help` and `tools` load neither LangGraph nor torch: what is heavy is imported inside the commands. Exit codes:
0 done and verified, 1 ran but not verified, 2 bad request, 3 a question, 4 an approval, 5 a budget, 6 something missing,
130 interrupted.
"""

from __future__ import annotations

import io
import json
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelwright.cli_input import call_arguments, checked_text, read_plan_file, read_request
from modelwright.cli_output import clear_errors, explained, fail, say, say_json
from modelwright.errors import BadRequest

if TYPE_CHECKING:
    from modelwright.agent.results import RunResult
    from modelwright.agent.session import Agent
    from modelwright.events import Event
    from modelwright.workspace import Workspace


class Finite(click.FloatRange):
    """A number in a range, and neither infinite nor NaN (which is in every range)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if number is not None and not math.isfinite(number):
            self.fail(f"{value} is not a number to work with", param, ctx)
        return number


MAX_OPTIONS = [
    click.option("--max-steps", type=click.IntRange(1), help="bound on tool calls"),
    click.option("--max-seconds", type=Finite(0, min_open=True), help="bound on working time, seconds"),
    click.option("--max-tokens", type=click.IntRange(1), help="bound on the planning model's tokens"),
    click.option("--max-cost", type=Finite(0), help="bound on money, US dollars"),
    click.option("--max-replans", type=click.IntRange(0), help="bound on new plans after a failure"),
    click.option("--max-retries", type=click.IntRange(0), help="bound on second tries after a crash"),
]
JSON = click.option("--json", "as_json", is_flag=True, help="print one JSON object on stdout and nothing else")
STREAM = click.option("--stream", is_flag=True, help="with --json: print each event as a JSON line, the result last")


def with_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def bounds_of(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values.pop(f"max_{name}") for name in ("steps", "seconds", "tokens", "cost", "replans", "retries")}


class Suggesting(click.Group):
    """Names the nearest command for a typo."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"did you mean {near[0]}?" if near else 'to ask for something in words: modelwright run "…"'
            raise click.UsageError(f"{error.message} {hint}", ctx) from None


@click.group(cls=Suggesting, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="modelwright", prog_name="modelwright")
def cli() -> None:
    """An agent that does LLM engineering on this machine: typed plans with predicted cost, verified results."""


def make_agent(as_json: bool, stream: bool, yes: bool, **options: Any) -> Agent:
    from modelwright.agent.session import Agent
    from modelwright.console import Narrator, ask_on_terminal

    interactive = sys.stdin.isatty() and sys.stderr.isatty() and not as_json and not yes
    sink = print_event if as_json and stream else Narrator()
    return Agent(".", on_event=sink, approver=ask_on_terminal if interactive else None, **options)


def print_event(event: Event) -> None:
    say_json({"event": event.as_json()})


def finish(result: RunResult, as_json: bool) -> None:
    """Print the result, say how to go on, and end with its exit code."""
    from modelwright.agent.ending import closing_lines

    if as_json:
        say_json(result.as_json())
    lines = closing_lines(result)
    for line in lines.narration:
        click.echo(line, err=True)
    if not as_json:
        for line in lines.data:
            click.echo(line)
    sys.exit(result.exit_code)


@cli.command()
@click.argument("request", required=False, default="")
@click.option("--plan", "plan_file", metavar="FILE", help="run this plan instead of planning; - reads stdin")
@click.option("--yes", is_flag=True, help="grant what policy would ask (never what it denies)")
@click.option("--dry-run", is_flag=True, help="print the plan with its cost and decisions, run nothing")
@click.option("--policy", metavar="FILE", help="policy file instead of the default")
@click.option("--model", metavar="REF", help="what plans: builtin, a GGUF file, scripted:FILE")
@with_options(*MAX_OPTIONS, JSON, STREAM)
@clear_errors
def run(
    request: str,
    plan_file: str | None,
    yes: bool,
    dry_run: bool,
    policy: str | None,
    model: str | None,
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
    if dry_run:
        show_plan(agent, words, plan, as_json)
    finish(agent.run(words, plan=plan, yes=yes, limits=limits), as_json)


def show_plan(agent: Agent, request: str, plan: dict[str, Any] | None, as_json: bool) -> None:
    """Print a plan and end: 0 for a plan, 3 for a question, 2 for none."""
    from modelwright.console import plan_table

    proposed = agent.plan(request, plan=plan)
    if as_json:  # arguments as they are: the plan is to be run from a file
        click.echo(json.dumps(proposed.model_dump(mode="json"), indent=2))
    else:
        say(plan_table(proposed))
    sys.exit({"plan": 0, "question": 3, "none": 2}[proposed.kind])


@cli.command()
@click.argument("request")
@click.option("--policy", metavar="FILE", help="policy file instead of the default")
@click.option("--model", metavar="REF", help="what plans: builtin, a GGUF file, scripted:FILE")
@JSON
@clear_errors
def plan(request: str, policy: str | None, model: str | None, as_json: bool) -> None:
    """The plan alone, with estimates and decisions. Edit it as a file and run it with `run --plan FILE`."""
    show_plan(make_agent(as_json, False, False, model=model, policy=policy), read_request(request), None, as_json)


@cli.command()
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


@cli.command()
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
    from modelwright.console import parse_edits, refuse_unknown_step

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


@cli.command("tools")
@click.argument("name", required=False)
@JSON
@clear_errors
def tools_command(name: str | None, as_json: bool) -> None:
    """What it can do; with NAME one tool's arguments, result, effects and an example."""
    from modelwright import tools

    if name is None and not as_json:
        for known, summary in tools.summaries().items():
            click.echo(f"{known:<18} {summary}")
        return
    from modelwright.tooldoc import as_json as described
    from modelwright.tooldoc import text

    if name:
        found = tools.load(name)
        say_json(described(found), 2) if as_json else say(text(found))
    else:
        say_json([described(t) for t in tools.load_all().values()], 2)


@cli.command()
@click.option("--limit", default=30, type=click.IntRange(1), help="how many, newest first")
@JSON
@clear_errors
def runs(limit: int, as_json: bool) -> None:
    """The runs of this workspace, newest first."""
    from modelwright.agent.listing import as_rows
    from modelwright.agent.runs import Runs
    from modelwright.console import table

    with open_db() as db:
        found = Runs(db).all(limit)
        if as_json:
            say_json([{**r.__dict__} for r in found])
        else:
            say(table(as_rows(found)))


def open_db() -> Any:
    """The workspace's database, to read; nothing is created when there is none."""
    from contextlib import closing

    return closing(require_runs().connect())


def require_runs() -> Workspace:
    """The workspace here. Raises BadRequest when nothing was ever run in it."""
    from modelwright.workspace import Workspace

    workspace = Workspace(Path("."))
    if not workspace.database.is_file():
        raise BadRequest(f"no runs here: {workspace.root} has no .modelwright folder", fix="stand in the folder where the run was started")
    return workspace


@cli.command()
@click.argument("run")
@JSON
@clear_errors
def show(run: str, as_json: bool) -> None:
    """How RUN stands: plan, steps, results, where its report is."""
    from modelwright.agent.ending import full_text
    from modelwright.agent.session import Agent

    with open_db():
        result = Agent(".").show(run)
    say_json(result.as_json()) if as_json else say(full_text(result))


@cli.command()
@click.argument("run")
@click.option("--step", help="only this step's events")
@click.option("--type", "kind", help="only events whose type starts so: tool, model, policy …")
@click.option("--otel", is_flag=True, help="as OpenTelemetry-like spans, one JSON object a line")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
@clear_errors
def trace(run: str, step: str | None, kind: str | None, otel: bool, as_json: bool) -> None:
    """Every event of RUN, in order."""
    from modelwright.agent import trace as traces
    from modelwright.agent.listing import event_line
    from modelwright.agent.runs import Runs

    with open_db() as db:
        found = Runs(db).get(run)
        if otel:
            from modelwright.agent.export import as_otel_spans

            for span in as_otel_spans(db, found.id):
                say_json(span)
            return
        for event in traces.read(db, found.id, step=step, kind=kind):
            say_json(event.as_json()) if as_json else say(event_line(event))


@cli.command("diff")
@click.argument("a")
@click.argument("b")
@JSON
@clear_errors
def diff_command(a: str, b: str, as_json: bool) -> None:
    """What differs between two runs: plans, decisions, results, time."""
    from modelwright.agent.diff import diff
    from modelwright.agent.runs import Runs

    with open_db() as db:
        found = diff(db, Runs(db).get(a).id, Runs(db).get(b).id)
    say_json(found.as_json()) if as_json else say(found.text())


@cli.group()
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
@click.argument("run")
@click.option("--policy", "file", metavar="FILE", help="the policy to try; the default if left out")
@JSON
@clear_errors
def policy_simulate(run: str, file: str | None, as_json: bool) -> None:
    """Decide every step of a past RUN again under another policy."""
    from modelwright.agent.listing import simulate
    from modelwright.agent.runs import Runs
    from modelwright.console import table

    with open_db() as db:
        rows = simulate(Runs(db).get(run), Path(file) if file else None, Path("."))
    if as_json:
        say_json(rows)
    else:
        heads = ["step", "tool", "then", "now", "rule"]
        say(table([heads, *[[str(row[h]) for h in heads] for row in rows]]))


@cli.command()
@JSON
@clear_errors
def doctor(as_json: bool) -> None:
    """The machine, the extras, the stores; each with its fix."""
    from modelwright.agent.doctor import examine
    from modelwright.console import table

    findings = examine(Path("."))
    if as_json:
        say_json([f.__dict__ for f in findings])
    else:
        say(table([["", "what", "found", "fix"], *[["ok" if f.ok else "--", f.name, f.found, f.fix] for f in findings]]))


def main() -> None:
    """The entry point: SIGTERM and a closed terminal stop like Ctrl-C; a closed pipe ends quietly; nothing ends in a traceback."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means: go on without the terminal
        signal.signal(signal.SIGHUP, interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character must not end a run
            stream.reconfigure(errors="backslashreplace")
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        fail(BadRequest(error.format_message()), "--json" in sys.argv)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort, EOFError):
        click.echo("interrupted; go on with `modelwright resume last`", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except Exception as error:
        fail(explained(error), "--json" in sys.argv)


if __name__ == "__main__":
    main()
