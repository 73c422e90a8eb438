"""A path, a folder or a glob: the same files in the same order, hidden ones and links out of the folder left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.data.documents.walking import files_under, root_and_pattern
from modelwright.errors import DataError


def test_a_glob_crosses_folders_only_with_two_stars(tmp_path: Path) -> None:
    for name in ("docs/a.md", "docs/b.txt", "docs/sub/c.md", "docs/.hidden/d.md", "docs/node_modules/e.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")

    def found(text: str) -> list[str]:
        root, pattern = root_and_pattern(text, tmp_path)
        return [str(path.relative_to(tmp_path)) for path in files_under(root, pattern)]

    assert found("docs") == ["docs/a.md", "docs/b.txt", "docs/sub/c.md"]
    assert found("docs/*.md") == ["docs/a.md"]
    assert found("docs/**/*.md") == ["docs/a.md", "docs/sub/c.md"]
    assert found("docs/a.md") == ["docs/a.md"]


def test_links_out_of_the_folder_and_in_circles_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("s", encoding="utf-8")
    (folder / "in.txt").write_text("x", encoding="utf-8")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "twice.txt").symlink_to(folder / "in.txt")
    (folder / "circle").symlink_to(folder)
    (folder / "dead.txt").symlink_to(folder / "nothing")
    assert [path.name for path in files_under(folder)] == ["in.txt", "twice.txt"]


def test_a_typo_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "handbook").mkdir()
    with pytest.raises(DataError, match="no file or folder") as caught:
        root_and_pattern("handbok", tmp_path)
    assert "did you mean" in caught.value.fix
