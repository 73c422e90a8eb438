"""The order of rows and the batches made of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from modelwright.canonical import sha256_of_path
from modelwright.engines.train_data import collate, load_rows, make_batches
from modelwright.errors import DataError

LENGTHS = [5 + (7 * i) % 60 for i in range(101)]


def batches(**changes: object) -> list[list[int]]:
    settings: dict[str, object] = {"batch_size": 8, "epochs": 3, "max_steps": None, "seed": 7, **changes}
    return make_batches(LENGTHS, **settings)  # type: ignore[arg-type]


def test_every_epoch_holds_every_row_once() -> None:
    made = batches()
    per_epoch = len(made) // 3
    for epoch in range(3):
        rows = Counter(row for batch in made[epoch * per_epoch : (epoch + 1) * per_epoch] for row in batch)
        assert rows == Counter(range(101))


def test_no_batch_is_larger_than_asked_and_sizes_differ_by_one_at_most() -> None:
    sizes = {len(batch) for batch in batches()}
    assert max(sizes) <= 8
    assert max(sizes) - min(sizes) <= 1


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    assert batches() == batches()
    assert batches() != batches(seed=8)


def test_the_longest_row_comes_in_the_first_batch_so_that_memory_is_tried_at_once() -> None:
    longest = max(range(101), key=lambda row: LENGTHS[row])
    assert LENGTHS[longest] in {LENGTHS[row] for row in batches()[0]}


def test_rows_of_like_length_share_a_batch() -> None:
    padding = sum(max(LENGTHS[r] for r in batch) - LENGTHS[row] for batch in batches() for row in batch)
    in_order = [list(range(at, min(at + 8, 101))) for at in range(0, 101, 8)] * 3
    without = sum(max(LENGTHS[r] for r in batch) - LENGTHS[row] for batch in in_order for row in batch)
    assert padding < without / 4


def test_max_steps_decides_instead_of_epochs() -> None:
    assert len(batches(max_steps=5)) == 5
    assert len(batches(max_steps=40, epochs=1)) == 40


def test_fewer_rows_than_a_batch_are_one_batch() -> None:
    assert [sorted(b) for b in make_batches([3, 4, 5], batch_size=8, epochs=2, max_steps=None, seed=1)] == [[0, 1, 2]] * 2


def test_a_file_that_changed_after_planning_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "hello"}\n', encoding="utf-8")
    before = sha256_of_path(path)
    path.write_text('{"text": "hello again"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="changed after the run was planned"):
        load_rows(path, before)


def test_preference_pairs_are_refused_with_the_tool_to_use(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "Hi", "chosen": "Hello.", "rejected": "What?"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="preference pairs") as caught:
        load_rows(path, None)
    assert "align" in caught.value.fix


def test_batches_have_few_shapes_and_the_loss_of_their_rows_is_the_same(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from modelwright.engines.train_trainer import LABELS, filled_up
    from tests.engines import tiny

    rows = [{"input_ids": list(range(1, n)), "labels": [-100, *range(2, n)]} for n in range(4, 41)]
    widths = {collate([row], pad=0)["input_ids"].shape[1] for row in rows}
    assert widths == {8, 16, 24, 32, 40}
    model = AutoModelForCausalLM.from_pretrained(tiny.make(tmp_path / "base")).eval()
    with torch.no_grad():
        for row in (rows[0], rows[20]):
            plain = {name: torch.tensor([values]) for name, values in row.items()}
            assert float(model(**collate([row], pad=0)).loss) == pytest.approx(float(model(**plain).loss), abs=1e-5)
    hidden, labels = torch.randn(37, 6, requires_grad=True), torch.arange(37) % 9
    head = torch.randn(9, 6)
    losses = [torch.nn.functional.cross_entropy(h @ head.T, t, reduction="sum") for h, t in ((hidden, labels), filled_up(hidden, labels))]
    gradients = [torch.autograd.grad(loss, hidden)[0] for loss in losses]
    assert len(filled_up(hidden, labels)[1]) == 2 * LABELS
    assert torch.allclose(losses[0], losses[1], atol=1e-4)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)
