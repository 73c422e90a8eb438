from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.graphs.planning.candidates import find

from .conftest import put_files


def kinds(text: str, workspace: Path) -> list[tuple[str, object]]:
    return [(c.kind, c.value) for c in find(text, workspace)]


def test_a_candidate_knows_its_place(workspace: Path) -> None:
    text = "train on data/a.jsonl."
    put_files(workspace, ["data/a.jsonl"])
    [candidate] = find(text, workspace)
    assert text[candidate.start : candidate.end] == candidate.text == "data/a.jsonl"
    assert candidate.evidence == "request[9:21]"


@pytest.mark.parametrize(
    "text", ["is a.jsonl?", "(a.jsonl)", "'a.jsonl',", "a.jsonl:", '"a.jsonl"', "data=a.jsonl", "use `a.jsonl`!", "a.jsonl's rows"]
)
def test_punctuation_around_a_file_is_not_part_of_it(workspace: Path, text: str) -> None:
    put_files(workspace, ["a.jsonl"])
    assert ("dataset", "a.jsonl") in kinds(text, workspace)


@pytest.mark.parametrize("text", ["look into my data.jsonl", 'look into "my data.jsonl"'])
def test_a_name_with_a_space_is_found_when_it_exists(workspace: Path, text: str) -> None:
    put_files(workspace, ["my data.jsonl"])
    assert kinds(text, workspace) == [("dataset", "my data.jsonl")]


def test_what_is_not_there_is_kept_as_missing(workspace: Path) -> None:
    assert kinds("train on gone.jsonl and nowhere/data", workspace) == [("missing", "gone.jsonl"), ("missing", "nowhere/data")]


@pytest.mark.parametrize(
    "text", ["and/or", "tokens/s", "he said 24/7", "https://example.org/a.jsonl", "e.g. this", "version 1.5", "3.5 of 4"]
)
def test_ordinary_words_are_no_paths(workspace: Path, text: str) -> None:
    assert [c for c in find(text, workspace) if c.kind != "number"] == []


@pytest.mark.parametrize("text", ["about ~300 tokens", "~9k", "~nobody-here/x.gguf", "~nobody-here"])
def test_a_tilde_without_a_home_folder_is_no_crash(workspace: Path, text: str) -> None:
    assert not {kind for kind, _ in kinds(text, workspace)} & {"folder", "file", "dataset"}


@pytest.mark.parametrize(
    "text", ["the built-in model", "builtin", "the bundled one", "SmolLM2", "smollm2-135m-instruct", "the built in model"]
)
def test_the_built_in_model_has_many_names(workspace: Path, text: str) -> None:
    assert [value for kind, value in kinds(text, workspace) if kind == "model"] == ["builtin"]


def test_models_are_files_folders_hub_names_and_endpoints(workspace: Path) -> None:
    put_files(workspace, ["m.gguf"], ["out/lora"])
    text = "m.gguf out/lora Qwen/Qwen2.5-0.5B openai:http://localhost:8000/v1#tiny SmolLM2-360M"
    assert [v for k, v in kinds(text, workspace) if k == "model"] == [
        "m.gguf",
        "out/lora",
        "Qwen/Qwen2.5-0.5B",
        "openai:http://localhost:8000/v1#tiny",
        "SmolLM2-360M",
    ]


@pytest.mark.parametrize("text", ["save it to out/x", "and store the result in out/x", "write it under out/x", "call it out/x"])
def test_a_place_to_write_is_an_output(workspace: Path, text: str) -> None:
    assert ("output", "out/x") in kinds(text, workspace)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("q4_k_m", "Q4_K_M"),
        ("AWQ", "awq"),
        ("Q4-K-M", "Q4_K_M"),
        ("q4km", "Q4_K_M"),
        ("q8", "Q8_0"),
        ("Q8_0", "Q8_0"),
        ("4 bit", "Q4_K_M"),
        ("eight-bit", "Q8_0"),
        ("int4", "Q4_K_M"),
        ("q6k", "Q6_K"),
        ("IQ4_NL", "IQ4_NL"),
        ("q5_1", "Q5_1"),
        ("Q2_K", "Q2_K"),
        ("q3_k_l", "Q3_K_L"),
        ("iq3_xxs", "IQ3_XXS"),
        ("q4 k m", "Q4_K_M"),
    ],
)
def test_quantization_types_in_every_spelling(workspace: Path, text: str, value: str) -> None:
    assert ("quant", value) in kinds(f"make it {text} please", workspace)


def test_a_type_in_a_file_name_is_no_type(workspace: Path) -> None:
    put_files(workspace, ["model-q4_k_m.gguf"])
    assert kinds("evaluate model-q4_k_m.gguf", workspace) == [("model", "model-q4_k_m.gguf")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 epochs", 3),
        ("three epochs", 3),
        ("1e-4", 1e-4),
        (".5", 0.5),
        ("1,000 rows", 1000),
        ("8k tokens", 8000),
        ("twenty-five rows", 25),
        ("a dozen", 12),
        ("two hundred steps", 200),
        ("half an epoch", 0.5),
        ("2e-5", 2e-5),
        ("0.0002", 0.0002),
        ("twice", 2),
    ],
)
def test_numbers_in_digits_and_words(workspace: Path, text: str, value: float) -> None:
    assert kinds(text, workspace) == [("number", value)]


def test_the_listing_of_a_large_workspace_is_cut(workspace: Path) -> None:
    from modelwright.graphs.planning.paths import MOST_ENTRIES, names_in

    for number in range(MOST_ENTRIES + 50):
        (workspace / f"f{number}.txt").touch()
    assert len(names_in(workspace)) == MOST_ENTRIES


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12 gigs", "memory", 12),
        ("24GB", "memory", 24),
        ("16 GiB", "memory", 16),
        ("512 MB", "memory", 0.5),
        ("$0.30", "money", 0.3),
        ("30 cents", "money", 0.3),
        ("2 €", "money", 2),
        ("an RTX 4090", "gpu", "RTX 4090"),
        ("one A100", "gpu", "A100"),
        ("8 thousand", "number", 8000),
        ("drei", "number", 3),
        ("trois", "number", 3),
        ("tres", "number", 3),
        ("512tok", "number", 512),
        ("0,1", "number", 0.1),
        ("vLLM", "engine", "vllm"),
        ("BM25", "mode", "lexical"),
        ("ORPO", "preference", "orpo"),
        ("fp8", "cache", "fp8"),
        ("docs/**/*.md", "glob", "docs/**/*.md"),
        ("the index hr", "index", "hr"),
        ("in the legal index", "index", "legal"),
        ("index docs/ and call it kb", "index", "kb"),
        ("hr_docs", "index", "hr_docs"),
        ("http://localhost:8000/v1", "model", "openai:http://localhost:8000/v1"),
        ("phi-3-mini", "model", "phi-3-mini"),
        ("Llama 3 8B", "model", "Llama 3 8B"),
        ("save it as tuned-v2", "output", "tuned-v2"),
    ],
)
def test_values_of_every_kind(workspace: Path, text: str, kind: str, value: object) -> None:
    assert (kind, value) in kinds(f"now {text} please", workspace)


@pytest.mark.parametrize("text", ["cost/month", "tokens/word", "before/after", "3.5/4", "key/value", "g/mol", "/27", "192.168.40.96/27"])
def test_rates_and_alternatives_are_no_paths(workspace: Path, text: str) -> None:
    assert not [c for c in find(f"tell me the {text} now", workspace) if c.kind in ("missing", "model", "folder")]


def test_a_folder_is_known_by_the_word_beside_it(workspace: Path) -> None:
    put_files(workspace, ["docs/a.md"])
    assert ("folder", "docs") in kinds("index the docs folder", workspace)
    assert ("folder", "docs") in kinds("indiziere den Ordner docs", workspace)
    assert ("folder", "docs") in kinds("please put the folder docs into an index", workspace)
    assert ("folder", "docs") in kinds("¿puedes indexar la carpeta docs?", workspace)
    assert ("folder", "docs") not in kinds("the docs are long", workspace)


def test_a_folder_whose_name_is_no_ordinary_word_is_known_alone(workspace: Path) -> None:
    (workspace / "kb_beir").mkdir()
    assert ("folder", "kb_beir") in kinds("kb_beir is what I made of our questions", workspace)
    assert ("folder", "kb_dev") not in kinds("kb_dev is what I made of our questions", workspace)


def test_a_file_that_somebody_wrote_is_no_place_to_write(workspace: Path) -> None:
    (workspace / "chats.csv").write_text("a,b\n")
    assert ("dataset", "chats.csv") in kinds("somebody exported our chats to chats.csv, anything wrong in there?", workspace)


def test_a_file_in_a_text_without_spaces_is_found(workspace: Path) -> None:
    put_files(workspace, ["a.jsonl"])
    assert ("dataset", "a.jsonl") in kinds("用a.jsonl训练", workspace)
