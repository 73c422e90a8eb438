"""What lies beside the trained weights: a model card, the record of the run, its log and a plot of the loss.

`finetune.json` holds the arguments alone, so that `modelwright call finetune --args "$(cat finetune.json)"` runs it
again. `training.json` says what was approved and what was done, with the hashes to check it by.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from modelwright.engines.train_spec import TrainSpec

Json = dict[str, Any]
PACKAGES = ("modelwright", "torch", "transformers", "trl", "peft", "bitsandbytes")


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_records(folder: Path, spec: TrainSpec, result: Json, log: list[Json]) -> None:
    """Every file but the weights and the tokenizer."""
    _write(folder / "finetune.json", json.dumps(spec.args or {}, indent=2))
    _write(folder / "training.json", json.dumps({**result, "versions": versions()}, indent=2))
    _write(folder / "training_log.jsonl", "\n".join(json.dumps(line) for line in log))
    _write(folder / "samples.json", json.dumps(result["samples"], indent=2, ensure_ascii=False))
    _write(folder / "README.md", model_card(spec, result))
    plot_loss(folder / "loss.png", result["losses"], result["eval_loss_before"], result["eval_loss_after"])


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def model_card(spec: TrainSpec, result: Json) -> str:
    """Hugging Face's front matter, then what a reader needs to trust or repeat the run."""
    scope, mask = result["scope"], result["mask"]
    front = ["---", f"base_model: {scope['base_name']}", "tags:", f"- {'peft' if spec.makes_adapter else 'sft'}", f"- {spec.method}", "---"]
    rows = [
        ("base model", f"{scope['base_model']} (sha256 {scope['base_sha256'][:16]}…)"),
        ("data", f"{spec.dataset.name} (sha256 {scope['dataset_sha256'][:16]}…), {mask['rows']} rows, {mask['tokens']} tokens"),
        ("trained tokens", f"{mask['trained_tokens']} ({mask['trained_share']:.0%}): the assistant's words and the stop token"),
        ("method", spec.method + (f", rank {spec.lora_rank}, alpha {spec.lora_alpha}, all linear layers" if spec.makes_adapter else "")),
        ("steps", f"{scope['steps']} of {spec.batch_size} rows ({scope['epochs']:g} epochs)"),
        ("learning rate", f"{spec.learning_rate:g}, cosine to 0 after 5% warm-up, AdamW"),
        ("max length", f"{spec.max_length} tokens"),
        ("seed", str(spec.seed)),
        ("number format", scope["dtype"]),
        ("weights", f"sha256 {scope['weights_sha256']}"),
    ]
    lines = [*front, "", f"# {spec.output.name}", "", f"{scope['base_model']} fine-tuned on {spec.dataset.name} by modelwright.", ""]
    lines += ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]
    lines += ["## Loss", "", *_loss_table(result), "", "![loss](loss.png)", "", "## Samples, greedy", ""]
    lines += [line for sample in result["samples"] for line in _sample(sample)]
    lines += ["## Notes", "", *(f"- {note}" for note in [*result["notes"], *_standing_notes(spec)]), ""]
    lines += ["## Run it again", "", '`modelwright call finetune --args "$(cat finetune.json)"` from the folder it was run in.', ""]
    lines += ["Versions: " + ", ".join(f"{name} {number}" for name, number in versions().items()), ""]
    return "\n".join(lines)


def _loss_table(result: Json) -> list[str]:
    losses = result["losses"]
    marks = sorted({0, len(losses) // 4, len(losses) // 2, 3 * len(losses) // 4, len(losses) - 1})
    table = ["| step | training loss |", "| --- | --- |", *(f"| {i + 1} | {losses[i]:.4f} |" for i in marks)]
    if result["eval_loss_before"] is not None:
        table += ["", f"Held-out loss: {result['eval_loss_before']:.4f} before, {result['eval_loss_after']:.4f} after."]
    return table


def _sample(sample: Json) -> list[str]:
    def quote(text: str) -> str:
        return "\n".join(f"> {line}" for line in text.splitlines()) or "> (nothing)"

    return [f"**{sample['prompt']}**", "", "Before:", "", quote(sample["before"]), "", "After:", "", quote(sample["after"]), ""]


def _standing_notes(spec: TrainSpec) -> list[str]:
    licence = "SmolLM2 is Apache-2.0." if spec.model.is_builtin else "See the base model's card."
    notes = [f"Licence: that of the base model and of the data. {licence}"]
    if spec.method == "qlora":
        notes.append("Trained against 4-bit weights: merged into full-precision weights it answers slightly differently.")
    return notes


def plot_loss(path: Path, losses: list[float], before: float | None, after: float | None) -> None:
    """Training loss by step, and the held-out loss at both ends."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    steps = range(1, len(losses) + 1)
    axes.plot(steps, losses, marker="." if len(losses) < 60 else None, label="training loss, by batch")
    if before is not None and after is not None:
        axes.plot([0, len(losses)], [before, after], "s--", label="held-out loss, before and after")
    axes.set(xlabel="step", ylabel="loss (nats per trained token)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110, metadata={"Software": "modelwright"})
    pyplot.close(figure)
