"""Reading whole files: formats, accounting, and what is said of each bad row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.data import lines, sources
from modelwright.data.reader import Dataset, read
from modelwright.errors import BadRequest, DataError, EngineMissing

ASKED = {"role": "user", "content": "Hello?"}
ANSWERED = {"role": "assistant", "content": "Hello there!"}
CHAT = {"messages": [ASKED, ANSWERED]}
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(folder: Path, *rows: Any, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def problem_of(folder: Path, row: Any) -> str:
    """What is said of `row` when it stands as line 2 between two good ones."""
    data = read(write(folder, CHAT, row, {"messages": [ASKED, {"role": "assistant", "content": "Bye."}]}))
    (problem,) = [p for p in data.problems if not p.notice]
    assert (problem.line, problem.file, data.bad_rows, len(data.rows)) == (2, str(folder / "rows.jsonl"), 1, 2)
    assert problem.fix
    assert "\n" not in problem.what
    return problem.what


def notices_of(data: Dataset) -> list[str]:
    assert data.bad_rows == 0
    return [str(problem) for problem in data.problems if problem.notice]


@pytest.mark.parametrize(
    ("row", "form", "example"),
    [
        (CHAT, "chat", CHAT),
        ({"conversations": CHAT["messages"]}, "chat", CHAT),
        ({"conversations": [{"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Hello there!"}]}, "sharegpt", CHAT),
        ({"instruction": "Hello?", "output": "Hello there!"}, "alpaca", CHAT),
        ({"instruction": "Hello?", "input": "", "output": "Hello there!"}, "alpaca", CHAT),
        (
            {"instruction": "Sum up.", "input": "A text.", "output": "Text."},
            "alpaca",
            {"messages": [{"role": "user", "content": "Sum up.\n\nA text."}, {"role": "assistant", "content": "Text."}]},
        ),
        (
            {"instruction": "C", "output": "D", "system": "S", "history": [["A", "B"]]},
            "alpaca",
            {
                "messages": [
                    {"role": r, "content": c} for r, c in zip(("system", "user", "assistant", "user", "assistant"), "SABCD", strict=True)
                ]
            },
        ),
        ({"prompt": "Hello?", "completion": "Hello there!"}, "prompt_completion", CHAT),
        ({"prompt": "Hello?", "response": "Hello there!"}, "prompt_completion", CHAT),
        ({"question": "Hello?", "answer": "Hello there!"}, "prompt_completion", CHAT),
        ({"prompt": [ASKED], "completion": [ANSWERED]}, "prompt_completion", CHAT),
        ({"text": "Once upon a time"}, "text", {"text": "Once upon a time"}),
        ({"messages": [{"role": "system", "content": ""}, ASKED, ANSWERED]}, "chat", CHAT),
        ({"messages": [ASKED, {"role": "assistant", "content": [{"type": "text", "text": "Hello there!"}]}]}, "chat", CHAT),
    ],
)
def test_each_format_is_recognised_by_its_fields_and_becomes_one_shape(tmp_path: Path, row: Any, form: str, example: Any) -> None:
    data = read(write(tmp_path, row))
    assert (data.format, data.rows[0].example, data.problems) == (form, example, [])


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hello?", "chosen": "Hello there!", "rejected": "What."},
        {"prompt": [ASKED], "chosen": [ANSWERED], "rejected": [{"role": "assistant", "content": "What."}]},
        {"chosen": [ASKED, ANSWERED], "rejected": [ASKED, {"role": "assistant", "content": "What."}]},
        {"prompt": "Hello?", "chosen": [ASKED, ANSWERED], "rejected": [ASKED, {"role": "assistant", "content": "What."}]},
    ],
)
def test_preference_pairs_are_one_shape_and_an_implicit_prompt_is_taken_out(tmp_path: Path, row: Any) -> None:
    data = read(write(tmp_path, row))
    assert data.format == "preference"
    assert data.rows[0].example == {"prompt": [ASKED], "chosen": [ANSWERED], "rejected": [{"role": "assistant", "content": "What."}]}


def test_answers_that_begin_alike_keep_the_prompt_that_was_given(tmp_path: Path) -> None:
    more = {"role": "user", "content": "And?"}
    chosen = [ANSWERED, more, {"role": "assistant", "content": "A"}]
    rejected = [ANSWERED, more, {"role": "assistant", "content": "B"}]
    example = read(write(tmp_path, {"prompt": "Hello?", "chosen": chosen, "rejected": rejected})).rows[0].example
    assert example == {"prompt": [ASKED, ANSWERED, more], "chosen": chosen[2:], "rejected": rejected[2:]}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ('{"messages": [', "not JSON: "),
        ('{"messages": []} {"messages": []}', "not JSON: something follows the value"),
        ('{"a": NaN}', "not JSON: NaN"),
        ('{"a": ' + "1" * 5000 + "}", "not JSON: "),
        ("[" * 100_000, "not JSON that can be read: nested too deeply"),
        ('{"text": "a", "text": "b"}', "duplicate JSON key 'text'"),
        ('{"messages": [{"role": "user", "role": "assistant", "content": "x"}]}', "duplicate JSON key 'role'"),
        ("17", "wrong type: a number, an object is needed"),
        ({}, "field missing: it has none; needed messages"),
        ({"mesages": []}, "field missing: it has mesages; needed messages"),
        ({"messages": "hi"}, "wrong type: messages is a string, a list of turns is needed"),
        ({"messages": None}, "wrong type: messages is null"),
        ({"messages": []}, "no assistant turn: messages is empty"),
        ({"messages": ["hi"]}, "wrong type: turn 1 of messages is a string"),
        ({"messages": [{"role": "user"}]}, "field missing: content in turn 1"),
        ({"messages": [{"role": "pirate", "content": "Arr"}]}, "unknown role 'pirate' in turn 1"),
        ({"messages": [ASKED, {"role": "assistant", "content": 4}]}, "wrong type: turn 2 of messages is a number"),
        ({"messages": [ASKED, {"role": "assistant", "content": " \n"}]}, "empty answer: turn 2"),
        ({"messages": [{"role": "user", "content": ""}, ANSWERED]}, "empty user turn: turn 1"),
        ({"messages": [ASKED]}, "no assistant turn in messages"),
        ({"messages": [ASKED, ANSWERED, ASKED]}, "last turn not assistant: messages ends with user"),
        ({"messages": [ASKED, ASKED, ANSWERED]}, "roles do not alternate: turn 2 of messages is user after user"),
        ({"messages": [ANSWERED]}, "roles do not alternate: turn 1 of messages is assistant after nothing"),
        ({"messages": [ASKED, {"role": "assistant", "content": "", "tool_calls": [{}]}]}, "turn 2 of messages holds tool_calls"),
        ({"messages": [ASKED, {"role": "assistant", "content": [{"type": "image_url"}]}]}, "turn 2 of messages holds a part of type"),
        ({"messages": [ASKED, {"role": "assistant", "content": "\ud800"}]}, "half of a UTF-16 pair"),
        ({"text": "prose"}, "this row is text, most rows are chat"),
        ({"conversations": []}, "no assistant turn: conversations is empty"),
        ({"conversations": [{"from": "system", "value": ""}], "system": "S"}, "no assistant turn in conversations"),
        ({"conversations": [{"from": "ghost", "value": "boo"}]}, "unknown role 'ghost'"),
        ({"instruction": "Do"}, "field missing: output"),
        ({"instruction": "", "output": "x"}, "empty instruction"),
        ({"instruction": "Do", "output": ""}, "empty answer: output is empty"),
        ({"instruction": "Do", "output": 3}, "wrong type: output is a number"),
        ({"instruction": "Do", "output": "x", "history": 3}, "wrong type: history"),
        ({"prompt": "Hi"}, "field missing: completion or response"),
        ({"completion": "Hi"}, "field missing: prompt"),
        ({"prompt": "Hi", "completion": "\t"}, "empty answer: completion"),
        ({"question": "Hi"}, "field missing: answer"),
        ({"text": ""}, "empty text"),
        ({"text": ["a"]}, "wrong type: text is a list"),
        ({"prompt": "Hi", "chosen": "A"}, "field missing: rejected"),
        ({"prompt": "Hi", "chosen": "A", "rejected": "A"}, "chosen and rejected are identical"),
        ({"chosen": CHAT["messages"], "rejected": CHAT["messages"]}, "chosen and rejected are identical"),
        ({"chosen": "A", "rejected": "B"}, "field missing: prompt"),
        ({"prompt": "Hi", "chosen": "A", "rejected": ""}, "empty answer: rejected"),
    ],
)
def test_a_bad_row_is_reported_with_line_and_fix_and_counted(tmp_path: Path, row: Any, what: str) -> None:
    assert problem_of(tmp_path, row).startswith(what)


def test_a_misspelt_field_gets_the_nearest_name_as_its_fix(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(write(tmp_path, {"mesages": []}))
    assert caught.value.fix == "rename mesages to messages"


def test_bytes_that_are_not_utf8_are_named_with_their_offset(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = json.dumps(CHAT).encode()
    path.write_bytes(good + b"\n" + b'{"text": "\xff"}\n' + good + b"\n")
    (problem,) = [p for p in read(path).problems if not p.notice]
    assert (problem.line, problem.what) == (2, f"not UTF-8: byte 0xff at offset {len(good) + 1 + 10} of the file")


def test_a_byte_order_mark_is_a_notice_and_shifts_no_offset(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(CHAT).encode() + b"\r\n\r\n\xfe")
    data = read(path)
    assert [(p.line, p.notice, p.what.split(":")[0]) for p in data.problems] == [
        (1, True, "starts with a byte order mark"),
        (3, False, "not UTF-8"),
    ]
    assert f"offset {path.stat().st_size - 1} " in data.problems[1].what


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi \U000e0041\U000e0042", "2 Unicode tags (U+E0041)"),
        ("hi \u202egnp", "1 bidi controls (U+202E)"),
        ("pass\u200bword", "1 zero-width characters (U+200B)"),
        ("pass\u200dword", "1 zero-width characters (U+200D)"),
        ("bell \x07", "1 control characters (U+0007)"),
        ("x\ufe01\ufe02\ufe03", "1 variation selectors in a row (U+FE01)"),
    ],
)
def test_hidden_characters_are_a_notice_and_the_row_is_used(tmp_path: Path, text: str, kind: str) -> None:
    assert notices_of(read(write(tmp_path, {"text": text}))) == [f"line 1: hidden characters: {kind}"]


ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize("text", ["a family \U0001f468\u200d\U0001f469\u200d\U0001f467", "می\u200cخواهم", ENGLAND, "tab\tline\r\n"])
def test_what_honest_text_needs_is_not_called_hidden(tmp_path: Path, text: str) -> None:
    assert notices_of(read(write(tmp_path, {"text": text}))) == []


def test_an_exact_duplicate_is_a_notice_and_a_near_one_is_counted(tmp_path: Path) -> None:
    data = read(write(tmp_path, {"text": "Same thing."}, {"text": "Same thing."}, {"text": "same  THING"}, {"text": "other"}))
    assert notices_of(data) == ["line 2: exact duplicate of line 1"]
    assert (data.exact_duplicates, data.near_duplicates, len(data.rows)) == (1, 1, 4)


def test_fields_that_nothing_reads_are_named_once(tmp_path: Path) -> None:
    assert notices_of(read(write(tmp_path, {"text": "a", "id": 1}, {"text": "b", "id": 2}))) == ["fields that are not used (rows): id (2)"]


def test_of_mixed_formats_the_majority_wins_and_nothing_is_lost(tmp_path: Path) -> None:
    data = read(write(tmp_path, {"text": "a"}, CHAT, {"text": "b"}, "", "nonsense", {"text": ""}))
    assert (data.format, [row.line for row in data.rows], data.bad_rows) == ("text", [1, 3], 3)


@pytest.mark.parametrize(
    "text",
    [
        '[{"text": "a"},\n\n {"text": "b"}]',
        '{"version": [1, {}],\n "data": [{"text": "a"}, {"text": "b"}]}',
        '{"train":[{"text": "a"},{"text": "b"}]}',
    ],
)
def test_a_json_file_gives_its_array_whatever_it_is_called(tmp_path: Path, text: str) -> None:
    for name in ("rows.json", "rows.jsonl", "rows"):
        (tmp_path / name).write_text(text)
        data = read(tmp_path / name)
        assert [row.example["text"] for row in data.rows] == ["a", "b"]
        assert data.rows[1].line == len(text[: text.index('{"text": "b"')].split("\n"))


def test_json_lines_in_a_json_file_are_read_as_lines(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, CHAT, {**CHAT, "data": []}, name="rows.json")).rows) == 2


def test_a_json_array_that_breaks_off_keeps_its_rows_and_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[\n{"text": "a"},\n{"text": "b", "text": "c"},\n{"text": \n')
    data = read(path)
    assert [(p.line, p.what.split(":")[0]) for p in data.problems] == [(3, "duplicate JSON key 'text'"), (5, "not JSON")]
    assert (len(data.rows), data.bad_rows) == (1, 2)


def test_csv_has_quoted_line_ends_json_cells_and_wrong_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'Question,Answer\n"a\nb",c\nonly\n\xff,x\nd,e\n')
    data = read(path)
    assert [(row.line, row.example["messages"][0]["content"]) for row in data.rows] == [(2, "a\nb"), (6, "d")]
    assert [(p.line, p.what[:24]) for p in data.problems] == [(4, "1 cells, the header has "), (5, "not UTF-8: byte 0xff at ")]
    path.write_text('messages\n"' + json.dumps(CHAT["messages"]).replace('"', '""') + '"\n')
    assert read(path).rows[0].example == CHAT


def test_a_csv_cell_may_be_longer_than_pythons_default(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,id\n" + "x" * 200_000 + ",1\n")
    assert len(read(path).rows[0].example["text"]) == 200_000


def test_a_semicolon_or_tab_separates_as_well(tmp_path: Path) -> None:
    for mark in ";\t":
        (tmp_path / "rows.csv").write_text(f"prompt{mark}completion\na, b{mark}c\n")
        assert read(tmp_path / "rows.csv").rows[0].example["messages"][0]["content"] == "a, b"


def test_parquet_rows_are_read_and_their_nulls_are_missing_fields(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([CHAT, {"messages": None}]), path)
    data = read(path)
    assert [row.example for row in data.rows] == [CHAT]
    assert [(p.line, p.what[:13]) for p in data.problems] == [(2, "field missing")]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="is not a Parquet file that can be read"):
        read(path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(EngineMissing) as caught:
        read(tmp_path / "rows.parquet")
    assert caught.value.fix == "pip install 'modelwright[data]'"


def test_plain_text_is_split_at_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_bytes(b"\n\none\ntwo\n \n\nthree\n\n\xff\nfour\n")
    data = read(tmp_path / "rows.txt")
    assert [(row.line, row.example["text"]) for row in data.rows] == [(3, "one\ntwo"), (7, "three")]
    assert [p.line for p in data.problems] == [9]


def test_an_unknown_ending_is_decided_by_the_content(tmp_path: Path) -> None:
    for text, form in (
        (json.dumps(CHAT) + "\n" + json.dumps(CHAT), "chat"),
        ("prompt,completion\na,b", "prompt_completion"),
        ("just, words", "text"),
    ):
        (tmp_path / "rows.data").write_text(text)
        assert read(tmp_path / "rows.data").format == form


def test_a_200_mb_line_is_one_bad_row_and_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as stream:
        stream.write(json.dumps(CHAT).encode() + b"\n")
        stream.seek(200_000_000, os.SEEK_CUR)  # a hole: no disk is used
        stream.write(b"\n" + json.dumps({"messages": [ASKED, {"role": "assistant", "content": "Z"}]}).encode())
    tracemalloc.start()
    data = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 110_000_000  # the first 32 MB and the two copies that a line reader makes of them
    assert [(p.line, p.what) for p in data.problems] == [(2, "the line is 200.0 MB long, more than 32.0 MB")]
    assert [row.line for row in data.rows] == [1, 3]


def test_a_line_of_exactly_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 10)
    for size, flawed in ((9, False), (10, False), (11, True), (12, True), (40, True)):
        (tmp_path / "x").write_bytes(b"a" * size + b"\nb\n")
        first, second = lines.read_lines(tmp_path / "x")
        assert (first.flaw is not None, second.text, second.number) == (flawed, "b", 2)


def test_a_json_value_above_the_limit_asks_for_json_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "WHOLE_FILE_LIMIT", 10)
    with pytest.raises(DataError, match="is one JSON value of"):
        read(write(tmp_path, '[{"text": "abcdef"}]', name="rows.json"))


@pytest.mark.parametrize(
    ("make", "message", "fix"),
    [
        (lambda p: p.touch(), "is empty", "put at least one row"),
        (lambda p: p.write_bytes(b"\n \n"), "holds no row", "put at least one row"),
        (lambda p: p.mkdir(), "is a folder, a file is needed", "name a "),
        (lambda p: None, "no file ", "has a name like it"),
        (lambda p: (p.parent / "train.jsnol").touch(), "no file ", "did you mean "),
        (os.mkfifo, "is not a regular file", "save the rows"),
        (lambda p: p.symlink_to(p), "no file |cannot be opened", ""),
        (lambda p: p.write_bytes(b"\x1f\x8b\x08"), "is compressed with gzip", "gunzip"),
        (lambda p: p.write_bytes(b"PK\x03\x04"), "is a zip archive", "CSV"),
        (lambda p: p.write_bytes("[]".encode("utf-16")), "is UTF-16", "iconv"),
        (lambda p: p.write_bytes(b"GGUF"), "is a model", "name a "),
        (lambda p: p.write_text('{"messages": []}'), "line 1: no assistant turn", "add the turns"),
        (lambda p: p.write_text('{"a": 1,\n"b": []}'), "not JSON", ""),
    ],
)
def test_a_file_that_gives_no_row_is_one_clear_line(tmp_path: Path, make: Any, message: str, fix: str) -> None:
    path = tmp_path / "train.jsonl"
    make(path)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert fix in caught.value.fix
    assert "\n" not in str(caught.value)


def test_a_name_that_no_file_can_have_and_a_missing_folder_are_clear_too(tmp_path: Path) -> None:
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(DataError, match=r"no file|cannot be opened"):
            read(tmp_path / name)
    with pytest.raises(DataError, match="there is no folder"):
        read(tmp_path / "no" / "rows.jsonl")


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_as_bad_input(tmp_path: Path, content: bytes) -> None:
    for ending in ("jsonl", "json", "csv", "txt", "rows"):
        path = tmp_path / f"any.{ending}"
        path.write_bytes(content)
        try:
            data = read(path)
        except BadRequest:
            continue
        assert data.rows
        assert all(problem.what and problem.fix for problem in data.problems)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "human", "gpt", "system", "tool"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "text", "type", "tool_calls"]), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = ["messages", "conversations", "prompt", "completion", "response", "question", "answer", "instruction", "input", "output", "system"]
FIELDS += ["history", "chosen", "rejected", "text", "data"]


@settings(QUICK, max_examples=200)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4), min_size=1, max_size=4))
def test_any_json_objects_are_read_or_refused_and_all_are_counted(tmp_path: Path, rows: list[Any]) -> None:
    path = write(tmp_path, *rows)
    try:
        data = read(path)
    except BadRequest:
        return
    assert len(data.rows) + data.bad_rows == len(rows)


SPEECH = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(lambda text: text.strip())


@QUICK
@given(st.lists(st.lists(SPEECH, min_size=2, max_size=6).filter(lambda turns: len(turns) % 2 == 0), min_size=1, max_size=5))
def test_good_rows_come_back_to_the_letter(tmp_path: Path, conversations: list[list[str]]) -> None:
    rows = [{"messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(c)]} for c in conversations]
    data = read(write(tmp_path, *rows))
    assert [row.example for row in data.rows] == rows
    assert data.bad_rows == 0


def test_in_a_folder_files_with_rows_are_named_before_text(tmp_path: Path) -> None:
    for name in ("README.md", "notes.txt", "train.jsonl", "a.csv"):
        write(tmp_path, "x", name=name)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert [Path(name).name for name in caught.value.fix.removeprefix("name a file in it, such as ").split(" or ")] == [
        "train.jsonl",
        "a.csv",
        "notes.txt",
    ]


def test_the_fix_for_utf_16_is_a_command_that_mends_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my rows.jsonl"
    path.write_bytes('{"text": "a"}'.encode("utf-16"))
    with pytest.raises(DataError) as caught:
        read(path)
    subprocess.run(["bash", "-c", caught.value.fix.removeprefix("convert it: ")], check=True)
    assert (tmp_path / "my rows-utf8.jsonl").read_text(encoding="utf-8") == '{"text": "a"}'


def test_a_string_that_never_ends_is_told_with_one_at(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Unterminated string starting at column 10"):
        read(write(tmp_path, '{"text": "a\n'))
