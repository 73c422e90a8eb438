from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelwright import config
from modelwright.agent.models_info import ModelRow, choose_model, models_table, table_cells
from modelwright.errors import ConfigError
from modelwright.models import open_model
from tests.models import fault_proxy
from tests.models.fault_proxy import Proxy, says


@pytest.fixture
def server() -> Iterator[Proxy]:
    with fault_proxy.running() as running:
        yield running


def rows(workspace: Path, **options: bool) -> dict[str, ModelRow]:
    return {row.role: row for row in models_table(workspace, **options)}


def test_a_server_that_is_there_is_shown_with_its_price_and_its_last_speed(server: Proxy, workspace: Path) -> None:
    (workspace / "modelwright.toml").write_text(f'model = "{server.ref}"\n')
    assert rows(workspace)["plans"].tokens_per_second is None
    server.next(says('{"choice"', ": ", '"a"', "}"))
    model = open_model(config.load(workspace), workspace)
    assert model
    model.choose("which?", ["a", "b"], purpose="p", examples={})
    row = rows(workspace)["plans"]
    assert (row.kind, row.reachable, row.found, row.prompt_price) == ("endpoint", True, "1 model: toy", 0.0)
    assert row.tokens_per_second
    assert row.ttft_seconds
    assert table_cells([row])[1][:3] == ["ok", server.ref, "plans"]


def test_what_cannot_be_reached_says_why_and_nothing_is_asked_when_not_wanted(workspace: Path) -> None:
    nobody, stranger = "openai:http://127.0.0.1:1/v1#x", "openai:https://api.example.invalid/v1#big"
    (workspace / "modelwright.toml").write_text(f'model = "{nobody}"\n[gateway]\nfallbacks = ["{stranger}", "vllm:none", "m.gguf"]\n')
    looked = rows(workspace)
    assert looked["plans"].reachable is False
    assert "cannot be reached" in looked["plans"].found
    assert looked["fallback 2"].reachable is False
    assert "m.gguf" in looked["fallback 3"].found
    unlooked = rows(workspace, check=False)
    assert (unlooked["plans"].reachable, unlooked["fallback 1"].prompt_price) == (None, None)
    assert table_cells([unlooked["fallback 1"]])[1][4] == "unknown"


def test_choosing_keeps_the_other_settings_and_comments(workspace: Path) -> None:
    path = workspace / "modelwright.toml"
    path.write_text("# ours\nseed = 3\n\n[limits]\nsteps = 5  # few\n")
    assert choose_model(workspace, "openai:http://127.0.0.1:8000/v1#m") == path
    assert path.read_text().startswith('model = "openai:http://127.0.0.1:8000/v1#m"\n# ours\n')
    choose_model(workspace, "builtin")
    settings = config.load(workspace, environ={})
    assert (settings.model, settings.seed, settings.limits.steps) == ("builtin", 3, 5)
    assert path.read_text().count("model =") == 1
    with pytest.raises(ConfigError, match=r"nowhere\.gguf"):
        choose_model(workspace, "nowhere.gguf")
