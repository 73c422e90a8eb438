"""What stands at the place of a result, before, during and after the work."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.engines.outputs import place
from modelwright.errors import BadRequest, ProofFailed
from tests.engines.exporting import QuietJob


@pytest.fixture
def job(tmp_path: Path) -> QuietJob:
    return QuietJob(tmp_path / "job")


def write(job: QuietJob, final: Path, text: str = "made") -> None:
    with place(final, job, replace=False) as partial:
        partial.write_text(text, encoding="utf-8")


def test_a_try_that_failed_gives_no_right_to_replace_what_came_there_later(job: QuietJob, tmp_path: Path) -> None:
    final = tmp_path / "out.gguf"

    def work() -> None:
        with place(final, job, replace=False) as partial:
            partial.write_text("half", encoding="utf-8")
            raise ProofFailed("not the same model")

    with pytest.raises(ProofFailed):
        work()
    final.write_text("mine", encoding="utf-8")
    with pytest.raises(BadRequest, match="exists already"):
        write(job, final)
    assert final.read_text(encoding="utf-8") == "mine"


def test_what_comes_there_during_the_work_is_kept(job: QuietJob, tmp_path: Path) -> None:
    final = tmp_path / "out"

    def work() -> None:
        with place(final, job, replace=False) as partial:
            partial.mkdir()
            final.mkdir()
            (final / "thesis.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(BadRequest, match="exists already"):
        work()
    assert not list(tmp_path.glob(".*.partial"))
    assert (final / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_the_job_that_published_may_do_it_again_and_another_may_not(job: QuietJob, tmp_path: Path) -> None:
    write(job, tmp_path / "out.gguf")
    write(job, tmp_path / "out.gguf", "made again")
    assert (tmp_path / "out.gguf").read_text(encoding="utf-8") == "made again"
    with pytest.raises(BadRequest, match="exists already"):
        write(QuietJob(tmp_path / "other"), tmp_path / "out.gguf")


def test_two_jobs_for_one_place_do_not_write_into_each_other(job: QuietJob, tmp_path: Path) -> None:
    final, other = tmp_path / "out.gguf", QuietJob(tmp_path / "other")
    with place(final, job, replace=False) as mine:
        mine.write_text("mine", encoding="utf-8")

        def work() -> None:
            with place(final, other, replace=False) as theirs:
                theirs.write_text("theirs", encoding="utf-8")
                raise ProofFailed("not the same model")

        with pytest.raises(ProofFailed):
            work()
    assert final.read_text(encoding="utf-8") == "mine"
