"""What the README shows is run: its Python, its tool in one file, its settings, its request."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from modelwright import tools
from modelwright.agent import doctor
from modelwright.cli.main import cli as COMMANDS
from modelwright.config import Settings
from modelwright.contract import Tool

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def examples(workspace: Path) -> Path:
    shutil.copytree(ROOT / "examples", workspace / "examples")
    return workspace


def test_the_python_lines_run_a_request_and_read_typed_results(examples: Path) -> None:
    done = subprocess.run([sys.executable, "-c", blocks("python")[0]], capture_output=True, text=True, check=True, cwd=examples)
    assert done.stdout.split() == ["done", "chat", "100"]


def test_the_tool_in_one_file_is_a_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word_count.py").write_text(blocks("python")[1])
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("word_count")
    assert isinstance(module.word_count, Tool)
    assert module.word_count.summary == "Count the words of a text file."


def test_the_settings_are_settings() -> None:
    (text,) = blocks("toml")
    Settings.model_validate(tomllib.loads(text))


def test_the_demo_request_plans_the_whole_job(examples: Path) -> None:
    (request,) = re.findall(r'modelwright run "(Fine-tune[^"]+)" --yes', README)
    assert request in (ROOT / "Makefile").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "modelwright", "plan", request, "--json"], capture_output=True, text=True, check=True, cwd=examples
    )
    plan = json.loads(done.stdout)
    assert [step["tool"] for step in plan["steps"]] == ["finetune", "export_model", "quantize", "compare"]
    assert plan["steps"][3]["expect"] == {"verdict": "better"}


def test_every_tool_is_in_the_readme() -> None:
    for name in tools.names():
        assert f"`{name}`" in README


def test_every_linked_page_and_picture_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_command_that_is_named_is_a_command() -> None:
    code = [*blocks("bash"), *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))]
    named = re.findall(r"(?m)(?:^|\s|/)modelwright ([a-z][\w-]*)(?: ([a-z-]+))?", "\n".join(code))
    assert len(named) > 10
    for name, second in named:
        found = COMMANDS.commands[name]
        if isinstance(found, click.Group) and second:
            assert second in found.commands, f"{name} {second}"


def test_every_make_target_that_is_named_is_one() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z-]+)", "\n".join([*blocks("bash"), *re.findall(r"`([^`\n]+)`", README)])):
        assert re.search(rf"(?m)^{target}:", makefile), target


def test_the_extras_are_those_of_the_package_and_doctor_knows_them() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"].keys() - {
        "all",
        "dev",
    }
    assert extras == doctor.EXTRAS.keys()
    assert extras == set(re.findall(r"(?m)^\| `(\w+)` \|", README.partition("| extra |")[2].partition("\n\n")[0]))


def test_every_page_of_the_docs_is_linked_or_named() -> None:
    linked = README + "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    for page in (ROOT / "docs").glob("*.md"):
        assert f"{page.name})" in linked, page.name
