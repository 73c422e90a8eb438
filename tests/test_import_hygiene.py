"""The door is cheap: what a command imports is looked at in a fresh process, through sys.modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "transformers", "trl", "peft", "llama_cpp", "sentence_transformers", "bitsandbytes", "datasets", "matplotlib"}
NOT_AT_THE_DOOR = HEAVY | {"langgraph", "langchain_core", "textual", "numpy", "pandas", "httpx", "sqlite_utils", "rich"}


def modules_after(code: str, tmp_path: Path) -> set[str]:
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path, env=None)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["tools"], ["tools", "finetune"], ["tools", "--json"], ["policy", "check"], ["run", "--help"]]
)
def test_help_tools_and_policy_load_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    loaded = modules_after(f"sys.argv = ['modelwright', *{arguments!r}]; from modelwright.cli.main import main; main()", tmp_path)
    assert not loaded & NOT_AT_THE_DOOR


def test_import_modelwright_loads_nothing_but_itself(tmp_path: Path) -> None:
    loaded = modules_after("import modelwright", tmp_path)
    assert not loaded & (NOT_AT_THE_DOOR | {"pydantic", "click"})


def test_the_terminal_app_draws_its_first_frame_without_what_checks_plans(tmp_path: Path) -> None:
    loaded = modules_after("import modelwright.tui.app, modelwright.tui.data, modelwright.agent.sessions", tmp_path)
    assert "textual" in loaded
    assert not loaded & (NOT_AT_THE_DOOR - {"textual", "rich"} | {"pydantic"})  # pydantic with our types: 0.15 s of 0.7


def test_running_imports_no_engine_into_the_agents_process(tmp_path: Path) -> None:
    loaded = modules_after("import modelwright.agent.session, modelwright.graphs.build, modelwright.graphs.planning.planner", tmp_path)
    assert not loaded & HEAVY


def test_every_public_name_is_there() -> None:
    import modelwright

    for name in modelwright.__all__:
        assert getattr(modelwright, name) is not None


def test_the_rooms_keep_their_contract() -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
