"""GPUs by name, and the bounds of bandwidth and arithmetic."""

from __future__ import annotations

import pytest

from modelwright.errors import BadRequest
from modelwright.sizing import devices, known, kv, layout, levers, roofline, training, weights


@pytest.mark.parametrize(
    ("spelling", "name"), [("NVIDIA GeForce RTX 4090", "RTX-4090"), ("a100", "A100-80GB"), ("tesla t4", "T4"), ("h100", "H100")]
)
def test_a_gpu_is_found_in_any_spelling(spelling: str, name: str) -> None:
    assert devices.find(spelling).name == name


def test_an_unknown_gpu_names_the_nearest() -> None:
    with pytest.raises(BadRequest, match="did you mean RTX-4090"):
        devices.find("RTX 409")


def test_every_gpu_has_its_source() -> None:
    assert all(entry["source"].startswith("https://") for entry in devices.table().values())


def test_a_card_has_what_its_driver_tells_and_16_bit_products_summed_in_32() -> None:
    assert devices.find("NVIDIA L4").memory_bytes == 23034 << 20  # 24 GB on the box, a sixteenth of it is for error correction
    assert devices.find("RTX 4080").flops == 97.5e12  # 195 is the rate of sums in 16 bits


def test_decoding_an_8b_model_at_100_gb_a_second_is_bound_at_21_tokens() -> None:
    shape = known.get("Llama-3.1-8B")
    stored = weights.stored(layout.weights(shape), weights.traits_of(shape), "Q4_K_M").bytes
    device = devices.Device("a machine", 32 * 2**30, 100e9, 1e12)
    # the embedding is looked up, not read: 4685.3 - 281.8 MiB at Q4_K; by the mean of all bits it is 314
    empty = roofline.bounds(shape, stored, 0, 512, 1, device)
    full = roofline.bounds(shape, stored, kv.llama_cpp(shape, 8192).bytes, 512, 1, device)
    assert empty.decode_tokens_per_second == pytest.approx(21.7, rel=0.02)
    assert full.decode_tokens_per_second == pytest.approx(17.6, rel=0.02)
    assert empty.decode_bound == "bandwidth"


def test_a_large_batch_is_bound_by_arithmetic() -> None:
    shape = known.get("SmolLM2-135M")
    assert roofline.bounds(shape, 270_000_000, 0, 512, 4096, devices.find("T4")).decode_bound == "compute"


def test_a_mixture_reads_more_experts_the_more_sequences_there_are() -> None:
    shape = known.get("Qwen3-30B-A3B")
    one, many = (roofline.read_bytes(shape, 10**9, batch) for batch in (1, 64))
    assert one < 0.2e9 < many < 1e9


@pytest.mark.parametrize(("name", "count"), [("SmolLM2-135M", 4_884_480), ("Qwen2.5-0.5B", 8_798_208), ("Llama-3.1-8B", 41_943_040)])
def test_an_adapter_of_rank_16_has_the_parameters_that_peft_counts(name: str, count: int) -> None:
    assert training.adapter_parameters(known.get(name), 16) == count


def test_the_nearest_setting_is_one_change_if_one_is_enough_and_drops_what_is_idle() -> None:
    offered = [levers.Lever({"a": 1}, 1, ""), levers.Lever({"b": 1}, 2, ""), levers.Lever({"c": 1}, 3, "")]

    def size(change: object) -> int:
        given = dict(change)  # type: ignore[call-overload]
        return 100 - 10 * given.get("a", 0) - 50 * given.get("b", 0) - 45 * given.get("c", 0)

    assert levers.nearest(offered, 60, size) == ({"b": 1}, 50)
    found = levers.nearest(offered, 8, size)
    assert found is not None
    assert found[0] == {"b": 1, "c": 1}
    assert levers.nearest(offered, -100, size) is None
    assert [one.lever.change for one in levers.ranked(offered, 100, size)] == [{"a": 1}, {"b": 1}, {"c": 1}]


def test_near_names_are_listed_once_each() -> None:
    with pytest.raises(BadRequest) as caught:
        devices.find("T5000")
    near = caught.value.fix.removeprefix("did you mean ").rstrip("?").split(" or ")
    assert len(near) == len(set(near)) > 1
