"""The command line: parsing only. stdout is data, stderr is narration.

`--help` and `tools` load neither LangGraph nor torch: what is heavy is imported inside the commands, which stand in the
other files here by subject. Exit codes: 0 done and verified, 1 ran but not verified, 2 bad request, 3 a question, 4 an
approval, 5 a budget, 6 something missing, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import signal
import sys

import click

from modelwright.cli import about, bench, chat, memory, models, policy, rag, run, runs
from modelwright.cli.output import explained, fail
from modelwright.errors import BadRequest

COMMANDS = [
    *(run.run, run.plan, run.call, run.resume),
    *(chat.chat, chat.sessions),
    *(runs.runs, runs.show, runs.trace, runs.diff_command),
    *(memory.memory, rag.rag_index, rag.rag_search, rag.rag_answer, rag.why_not, rag.indexes, rag.cite),
    *(policy.policy, about.tools_command, models.models, bench.bench_planner, about.doctor),
]


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


@click.group(cls=Suggesting, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="modelwright", prog_name="modelwright")
@click.pass_context
def cli(context: click.Context) -> None:
    """An agent that does LLM engineering on this machine: typed plans with predicted cost, verified results.

    Without a command: a conversation, when this is a terminal.
    """
    if context.invoked_subcommand:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        context.invoke(chat.chat)
        return
    click.echo(context.get_help())


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """The entry point: SIGTERM and a closed terminal stop like Ctrl-C; a closed pipe ends quietly; nothing ends in a traceback."""
    try:
        _prepare()  # inside, as a signal may come as soon as it is listened to
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


def _prepare() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means: go on without the terminal
        signal.signal(signal.SIGHUP, interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character must not end a run
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
