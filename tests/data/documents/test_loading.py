"""Ten kinds of files become one text with places in it; what is lost is said; what cannot be read is refused by name."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from modelwright.data.documents.document import Refused
from modelwright.data.documents.loading import load
from tests.data.documents import makers


def refused(path: Path, limit: int = 1_000_000) -> Refused:
    with pytest.raises(Refused) as caught:
        load(path, limit)
    return caught.value


def test_markdown_keeps_its_characters_and_knows_its_sections(tmp_path: Path) -> None:
    text = "# One\r\n\r\nfirst 🙂\r\n\r\n```\r\n# not a heading\r\n```\r\nTwo\r\n---\r\n| a | b |\r\n|---|---|\r\n"
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf" + text.encode())
    document = load(tmp_path / "a.md")
    assert document.text == text
    assert [(part.label, part.number) for part in document.of_kind("section")] == [("One", 1), ("Two", 2)]
    assert document.text[document.of_kind("section")[1].start :].startswith("Two\r\n---")
    assert document.losses.tables == 1


def test_html_shows_what_a_reader_sees_and_counts_what_is_hidden(tmp_path: Path) -> None:
    hidden = "<p style='display: none'>obey me<script>x()</script>"
    page = f"<title>T</title><h1>Head</h1><p>a<b>b</b> c{hidden}<table><tr><td>1<td>2</table><img src=x>"
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    document = load(tmp_path / "a.html")
    assert document.text == "Head\nab c\n1 | 2"
    assert (document.title, document.losses.skipped, document.losses.tables) == (
        "T",
        2,
        1,
    )  # the hidden paragraph with the script in it, the picture


def test_html_nested_ten_thousand_deep_does_not_end_the_process(tmp_path: Path) -> None:
    (tmp_path / "deep.html").write_text("<div>" * 10_000 + "inside" + "</div>" * 10_000, encoding="utf-8")
    assert load(tmp_path / "deep.html").text == "inside"


def test_pdf_pages_are_parts_and_a_page_without_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "a.pdf").write_bytes(makers.pdf([["First page (really)", "line two"], bytes(64), ["Third"]]))
    document = load(tmp_path / "a.pdf")
    assert [part.number for part in document.of_kind("page")] == [1, 3]
    assert document.losses.pages_without_text == [2]
    assert "tesseract is not installed" in document.losses.notes[0]
    assert document.text[document.of_kind("page")[1].start :] == "Third"


def test_a_scanned_page_is_read_with_the_box_of_each_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text(makers.TESSERACT, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    (tmp_path / "a.pdf").write_bytes(makers.pdf([["Typed."], bytes(64)]))
    document = load(tmp_path / "a.pdf")
    assert document.text == "Typed.\n\nScanned words\nhere"
    assert document.losses.pages_by_ocr == [2]
    assert [(document.text[box.start : box.end], box.page, box.x0, box.x1) for box in document.boxes] == [
        ("Scanned", 2, 10, 90),
        ("words", 2, 95, 145),
        ("here", 2, 25, 65),
    ]


def test_a_word_file_keeps_the_order_of_paragraphs_and_tables(tmp_path: Path) -> None:
    import docx

    word = docx.Document()
    word.add_heading("Torque", 1)
    table = word.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "nut", "9 Nm"
    word.add_paragraph("After the table.")
    word.save(str(tmp_path / "a.docx"))
    document = load(tmp_path / "a.docx")
    assert document.text == "Torque\n\nnut | 9 Nm\n\nAfter the table."
    assert document.title == "Torque"


def test_a_zip_bomb_in_a_word_file_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"word/{number}.xml", b"0" * 90_000_000)
    assert refused(tmp_path / "a.docx", 10_000_000).reason == "too large"


def test_csv_rows_are_spans_of_the_file_itself(tmp_path: Path) -> None:
    text = 'name,note\r\npump,"two\r\nlines, quoted"\r\ntank,plain\r\n'
    (tmp_path / "a.csv").write_bytes(text.encode())
    document = load(tmp_path / "a.csv")
    assert document.text == text
    assert [text[part.start : part.end] for part in document.of_kind("row")] == ['pump,"two\r\nlines, quoted"\r\n', "tank,plain\r\n"]
    assert document.header == "name | note"


def test_json_lines_are_written_out_and_bad_lines_counted(tmp_path: Path) -> None:
    rows = ['{"q": "wh\\u00e4t?", "meta": {"n": 3, "tags": ["a", "b"]}, "none": null}', "{broken", '{"q": "two"}', '"\\ud800"']
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    document = load(tmp_path / "a.jsonl")
    assert document.text == "q: whät?\nmeta.n: 3\nmeta.tags: a\nmeta.tags: b\n\nq: two\n\n?"
    assert [part.number for part in document.parts] == [1, 3, 4]
    assert document.losses.skipped == 1


def test_a_notebook_gives_cells_and_printed_output(tmp_path: Path) -> None:
    output = {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": ["<Figure>"]}}
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "words"]},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"output_type": "stream", "text": ["1\n"]}, output]},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    document = load(tmp_path / "a.ipynb")
    assert document.text == "# Title\nwords\n\nprint(1)\n\n1\n\n\n<Figure>"
    assert document.title == "Title"
    assert document.losses.skipped == 1


def test_a_mail_shows_its_headers_and_counts_attachments(tmp_path: Path) -> None:
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["Subject"] = "a@b.example", "Wärme"
    message.set_content("The body.")
    message.add_alternative("<p>The <b>html</b> body.</p>", subtype="html")
    message.add_attachment(b"123", maintype="application", subtype="zip", filename="x.zip")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    document = load(tmp_path / "a.eml")
    assert document.text == "From: a@b.example\nSubject: Wärme\n\nThe body."
    assert document.losses.notes == ["attachments not opened: x.zip"]


def test_what_is_no_document_is_refused_with_a_reason_that_can_be_counted(tmp_path: Path) -> None:
    files = {
        "broken.pdf": b"%PDF-1.4\nnothing that follows is a PDF",
        "not.pdf": b"hello",
        "binary.txt": bytes(range(256)) * 4,
        "picture.md": b"\x89PNG\r\n\x1a\n" + bytes(20),
        "empty.txt": b" \n",
        "broken.docx": b"PK\x03\x04 and then nothing",
        "broken.ipynb": b"[1, 2]",
        "broken.json": b"{",
        "markup.html": b"<script>only()</script>",
        "scan.pdf": makers.pdf([bytes(64)]),
    }
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
    reasons = {name: refused(tmp_path / name).reason for name in files if name != "scan.pdf"}
    assert reasons == {
        "broken.pdf": "broken",
        "not.pdf": "broken",
        "binary.txt": "binary",
        "picture.md": "binary",
        "empty.txt": "empty",
        "broken.docx": "broken",
        "broken.ipynb": "broken",
        "broken.json": "broken",
        "markup.html": "empty",
    }


def test_a_file_of_two_gigabytes_is_refused_without_being_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as stream:
        stream.truncate(2_000_000_000)  # sparse: takes no room
    assert refused(tmp_path / "huge.txt").reason == "too large"


def test_bytes_that_are_not_utf8_are_read_and_noted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Käse".encode("cp1252"))
    document = load(tmp_path / "a.txt")
    assert document.text == "Käse"
    assert "not UTF-8" in document.losses.notes[0]
    (tmp_path / "b.txt").write_bytes("Käse".encode("utf-16"))
    assert load(tmp_path / "b.txt").text == "Käse"
