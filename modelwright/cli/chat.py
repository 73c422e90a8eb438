"""Commands that talk: chat, and sessions (list, search, show, export, delete)."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelwright.cli.base import JSON, open_db
from modelwright.cli.output import clear_errors, say, say_json, say_table

if TYPE_CHECKING:
    from modelwright.agent.sessions import Sessions, Turn

TERMINAL_UI = "modelwright.tui.app"


@click.command()
@click.option("--session", metavar="NAME", help="begin or go on with this session; `last` is the newest")
@click.option("--plain", is_flag=True, help="line by line, also where the terminal UI is there")
@click.option("--yes", is_flag=True, help="grant what policy would ask (never what it denies)")
@click.option("--policy", metavar="FILE", help="policy file instead of the default")
@click.option("--model", metavar="REF", help="what plans: builtin, a GGUF file, scripted:FILE")
@clear_errors
def chat(session: str | None, plain: bool, yes: bool, policy: str | None, model: str | None) -> None:
    """A conversation: requests, follow-ups ("now quantize it", "again with rank 32") and questions ("why?").

    Without --session the terminal UI opens the one whose run works or waits for you, else a new one.
    """
    from modelwright.agent.sessions import new_name

    name = named(session) if session else ""
    if not plain and not yes and policy is None and model is None and has_terminal_ui():
        importlib.import_module(TERMINAL_UI).main(name)
        return
    sys.exit(talk(name or new_name(), yes, policy=policy, model=model))


def talk(name: str, yes: bool, **options: Any) -> int:
    """The plain conversation; its exit code."""
    from modelwright.agent.conversation import open_conversation
    from modelwright.agent.session import Agent
    from modelwright.cli.lines import ChatNarrator, PlainChat
    from modelwright.prompts import ask_on_terminal

    if sys.stdin.isatty() and sys.stdout.isatty():
        import readline  # noqa: F401  # input() then edits lines and remembers them
    agent = Agent(".", on_event=ChatNarrator(), approver=ask_on_terminal, **options)
    with open_conversation(agent, name) as conversation:
        return PlainChat(conversation, yes=yes).talk()


def has_terminal_ui() -> bool:
    """The terminal UI is there, its package is installed, and both ends are a terminal that can show it."""
    there = importlib.util.find_spec("textual") is not None and importlib.util.find_spec(TERMINAL_UI) is not None
    return there and sys.stdin.isatty() and sys.stdout.isatty()


def named(name: str) -> str:
    """`last` as the newest session's name; any other name as it is."""
    if name != "last":
        return name
    with open_sessions() as found:
        return found.find("last")


class open_sessions:
    """The sessions of the workspace here, to read. Raises BadRequest where nothing was ever run."""

    def __enter__(self) -> Sessions:
        from modelwright.agent.sessions import Sessions

        self._opened = open_db()
        return Sessions(self._opened.__enter__())

    def __exit__(self, *error: object) -> None:
        self._opened.__exit__(*error)


def turns_of(name: str) -> tuple[str, list[Turn]]:
    """The whole name of a session, and what was said in it, each turn with the end that it really had."""
    from modelwright.agent.sessions import Sessions
    from modelwright.agent.turn_ends import as_they_ended
    from modelwright.workspace import Workspace

    with open_db() as db:
        kept = Sessions(db)
        found = kept.find(name)
        return found, as_they_ended(db, Workspace(Path(".")), kept.turns(found))


@click.group(invoke_without_command=True)
@JSON
@click.pass_context
@clear_errors
def sessions(context: click.Context, as_json: bool) -> None:
    """What was said: list the sessions of this workspace, search, show, export or delete them."""
    if context.invoked_subcommand:
        return
    from dataclasses import asdict

    from modelwright.agent.session_text import overview_rows

    with open_sessions() as kept:
        found = kept.all()
    say_json([asdict(o) for o in found]) if as_json else say_table(overview_rows(found))


@sessions.command()
@click.argument("text")
@JSON
@clear_errors
def search(text: str, as_json: bool) -> None:
    """Turns whose request or answer holds TEXT, newest first."""
    from modelwright.agent.session_text import found_rows

    with open_sessions() as kept:
        found = kept.search(text)
    say_json([turn.as_json() for turn in found]) if as_json else say_table(found_rows(found))


@sessions.command("show")
@click.argument("name")
@JSON
@clear_errors
def show_session(name: str, as_json: bool) -> None:
    """What was said in session NAME (or its beginning, or `last`)."""
    from modelwright.agent import session_text

    found, turns = turns_of(name)
    say_json(session_text.as_json(found, turns)) if as_json else say(session_text.page(turns))


@sessions.command()
@click.argument("name")
@click.option("--output", metavar="FILE", help="write here instead of stdout; FILE.json means --json")
@JSON
@clear_errors
def export(name: str, output: str | None, as_json: bool) -> None:
    """Session NAME as Markdown, or as JSON."""
    import json

    from modelwright.agent import session_text
    from modelwright.files import write_atomic

    found, turns = turns_of(name)
    wants_json = as_json or bool(output and output.endswith(".json"))
    text = (
        json.dumps(session_text.as_json(found, turns), indent=2, ensure_ascii=False) if wants_json else session_text.markdown(found, turns)
    )
    if output is None:
        say(text.rstrip("\n"))
        return
    write_atomic(Path(output).absolute(), text.rstrip("\n") + "\n")
    click.echo(f"written to {output}", err=True)


@sessions.command()
@click.argument("name")
@JSON
@clear_errors
def delete(name: str, as_json: bool) -> None:
    """Forget what was said in session NAME (whole name). Its runs, reports and files stay."""
    from modelwright.agent.sessions import check_name, forget
    from modelwright.cli.base import require_runs
    from modelwright.errors import BadRequest

    with open_sessions() as kept:
        if not kept.turns(check_name(name)):
            raise BadRequest(f"there is no session {name!r:.80} in this workspace", fix="see `modelwright sessions`")
        count = forget(require_runs(), kept, name)
    say_json({"session": name, "turns": count}) if as_json else say(f"forgot {count} turns of session {name}; its runs stay")
