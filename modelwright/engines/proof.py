"""Proof that an exported model is the same model: same tokens, same logits, same chat template, same stop tokens.

Two facts to know. Logits are compared as KL divergence per position against transformers in float32; a missing q/k
reordering gives 0.99 and a dropped rsLoRA scale 1.37 where a right export gives 2e-6, so 1e-4 separates them. For an
adapter the bound is also a tenth of what the adapter changes, as a small change in the wrong scale is small too.

These are samples (a few prompts, a fixed set of strings): they catch wrong exports, they do not measure quality.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from modelwright.errors import ProofFailed

Json = dict[str, Any]
Logits = np.ndarray[Any, np.dtype[np.float32]]

BOUNDS = {"f32": 1e-4, "f16": 1e-4, "bf16": 1e-2, "q8_0": 5e-2}
"""Largest mean KL of each stored type. The built-in model measures 1e-6, 1e-5, 3e-4 and 7e-3."""
ADAPTER_SHARE = 0.1
NOISE = 3e-5
"""Below this, rounding and a wrong adapter cannot be told apart."""
MAX_TOKENS = 48
FIX_STOPS = "make tokenizer_config.json and generation_config.json of the source agree"

PROMPTS = (
    "The capital of France is Paris. The river that runs through it is called the Seine, and",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return fibonacci(n - 1) +",
    "Großmutter erzählt: 今天天气很好。 Сегодня 1234567 рублей, 😀 naïve café —",
    "1. Wash the rice.\n2. Boil 2.5 litres of water.\n3. Add salt, then",
)

STRINGS = (
    "",
    " ",
    "   ",
    "\n",
    "\n\n\n",
    "\t\t x",
    " leading",
    "trailing ",
    "two  spaces   three",
    "tab\tand\nnewline",
    "windows\r\nline\r\n\r\nends",
    "Hello, world!",
    "don't we'll they've I'm you'd it's",
    "DON'T WE'LL",
    "CamelCaseIdentifier snake_case_name kebab-case",
    "1234567890 12 123 1234 00042 3.14159 1e-4 0xDEADBEEF",
    "9" * 70,
    "2026-11-05T13:37:00Z",
    "price: $1,299.00 (−5 %)",
    "for (int i = 0; i < n; ++i) { sum += a[i]; }",
    "def f(x):\n\treturn x ** 2\n\n\nprint(f(3))\n",
    '{"key": [1, 2, {"a": null}]}',
    "https://example.org/a/b?c=d&e=%20#f",
    "<div class='x'>&nbsp;</div>",
    "$\\frac{a}{b} \\leq \\sum_{i=0}^{n} x_i$",
    "naïve café Zürich smørrebrød ñandú",
    "Привет, как дела?",
    "Γειά σου Κόσμε",
    "مرحبا بالعالم",
    "שלום עולם",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "今天天气很好，我们去公园吧。",
    "日本語のテキストとカタカナ",
    "안녕하세요 세계",
    "😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪 ❤️",
    "a\u00a0b\u2003c\u200bd\ufeffe",
    "½ ² ³ Ⅷ ① ๓",
    "-----=====*****#####",
    "...!!!???",
    "“quoted” ‘single’ — – …",
    "A" * 60,
    "ab" * 40,
    "x\u0000y",
    "\u202eright to left",
    "ﬁ ﬂ ﬃ",
    "🂡𝒳𝔘",
)

CONVERSATIONS: tuple[list[dict[str, str]], ...] = (
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2 + 2?"}],
    [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye\n"}],
    [
        {"role": "system", "content": ""},
        {"role": "user", "content": "  spaces, ünïcode 😀 and {{ braces }} <b>  "},
        {"role": "assistant", "content": "one\n\ntwo"},
    ],
)


@dataclass(frozen=True)
class Reference:
    """What transformers says in float32, kept while the model itself may go."""

    prompts: list[list[int]]
    logits: list[Logits]
    without_adapter: list[Logits] = field(default_factory=list)
    """The same prompts with the adapter switched off; empty for a plain model."""

    @property
    def adapter_effect(self) -> float | None:
        """Mean KL of what the adapter changes."""
        if not self.without_adapter:
            return None
        return float(np.mean(np.concatenate([divergence(a, b) for a, b in zip(self.logits, self.without_adapter, strict=True)])))


def prompt_ids(tokenizer: Any) -> list[list[int]]:
    """Token ids of the proof's prompts, the last in the model's chat form if it has one."""
    ids = [list(tokenizer(text).input_ids)[:MAX_TOKENS] for text in PROMPTS]
    if tokenizer.chat_template:
        text = render_transformers(tokenizer, CONVERSATIONS[0], True)
        if isinstance(text, str):
            ids.append(list(tokenizer(text, add_special_tokens=False).input_ids)[:MAX_TOKENS])
    return [prompt for prompt in ids if prompt]


def transformers_logits(model: Any, prompts: Sequence[list[int]]) -> list[Logits]:
    import torch

    with torch.inference_mode():
        return [model(torch.tensor([ids])).logits[0].float().numpy() for ids in prompts]


def reference(model: Any, tokenizer: Any) -> Reference:
    """The logits to compare with; of a PeftModel also those without its adapter."""
    prompts = prompt_ids(tokenizer)
    logits = transformers_logits(model, prompts)
    if not hasattr(model, "disable_adapter"):
        return Reference(prompts, logits)
    with model.disable_adapter():
        return Reference(prompts, logits, transformers_logits(model, prompts))


def divergence(expected: Logits, got: Logits) -> np.ndarray[Any, np.dtype[np.float64]]:
    """KL(expected || got) at each position, in nats."""
    p, q = _log_softmax(expected), _log_softmax(got)
    kl: np.ndarray[Any, np.dtype[np.float64]] = (np.exp(p) * (p - q)).sum(axis=-1)
    return kl.clip(min=0.0)


def _log_softmax(logits: Logits) -> np.ndarray[Any, np.dtype[np.float64]]:
    shifted: np.ndarray[Any, np.dtype[np.float64]] = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def bound(dtype: str, effect: float | None) -> float:
    """The largest mean KL that passes as the same model."""
    if effect is None or dtype not in ("f16", "f32"):
        return BOUNDS[dtype]
    return min(BOUNDS[dtype], max(ADAPTER_SHARE * effect, NOISE))


def check_logits(expected: Reference, run: Callable[[list[int]], Logits], dtype: str) -> Json:
    """Compare `run(prompt)` with the reference. Raises ProofFailed when the mean KL is above the bound, or not a number."""
    got = [run(prompt) for prompt in expected.prompts]
    kl = np.concatenate([divergence(a, b) for a, b in zip(expected.logits, got, strict=True)])
    same = np.concatenate([a.argmax(-1) == b.argmax(-1) for a, b in zip(expected.logits, got, strict=True)])
    effect = expected.adapter_effect
    proof: Json = {
        "prompts": len(got),
        "tokens": len(kl),
        "kl_mean": float(kl.mean()),
        "kl_max": float(kl.max()),
        "top1": float(same.mean()),
        "bound": bound(dtype, effect),
        "adapter_effect": effect,
    }
    if not proof["kl_mean"] <= proof["bound"]:
        raise ProofFailed(
            f"the export gives other logits than the model: mean KL {proof['kl_mean']:.2g}, allowed {proof['bound']:.2g}",
            fix="nothing was left under the final name; try dtype=f32, and report the model family",
        )
    return proof


def check_tokenizer(tokenizer: Any, tokenize: Callable[[str], list[int]]) -> Json:
    """Compare both tokenizers on the fixture and around every special token. Raises ProofFailed naming a string that differs."""
    texts = _fixture(tokenizer)
    differing = [text for text in texts if list(tokenizer(text).input_ids) != tokenize(text)]
    if differing:
        text = differing[0]
        raise ProofFailed(
            f"{len(differing)} of {len(texts)} strings tokenize differently in llama.cpp, first {text[:40]!r}: "
            f"{list(tokenizer(text).input_ids)[:8]} became {tokenize(text)[:8]}",
            fix="this tokenizer cannot be exported yet",
        )
    return {"strings": len(texts), "differing": 0}


def _fixture(tokenizer: Any) -> list[str]:
    """All strings, normalized as the tokenizer does (llama.cpp does not), and text around the added tokens."""
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    texts = [normalizer.normalize_str(text) if normalizer else text for text in STRINGS]
    added = list(tokenizer.get_added_vocab())
    some = [*added[:20], *added[-20:]]
    return [*texts, *(f"say {token}hi {token}\n{token}" for token in dict.fromkeys(some))]


def render_transformers(tokenizer: Any, messages: list[dict[str, str]], prompt: bool) -> str | None:
    """The rendered conversation, or None when the template refuses it."""
    from jinja2 import TemplateError

    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt))
    except (TemplateError, ValueError):
        return None


def render_stored(template: str, messages: list[dict[str, str]], prompt: bool, *, bos: str, eos: str) -> str | None:
    """The same with the template text of the GGUF file, in plain jinja2 as llama.cpp's users have it."""
    from jinja2 import TemplateError

    try:
        text: str = _compiled(template).render(
            messages=messages,
            add_generation_prompt=prompt,
            bos_token=bos,
            eos_token=eos,
            tools=None,
            documents=None,
        )
    except TemplateError:
        return None
    return text


@lru_cache(maxsize=8)
def _compiled(template: str) -> Any:
    """The template is a program out of a model file: the sandbox keeps it from Python, the job's limits from looping."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
    return environment.from_string(template)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None) -> str:
    import json

    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _now(layout: str) -> str:
    from datetime import datetime

    return datetime.now().strftime(layout)


def _refuse(reason: str) -> str:
    from jinja2 import TemplateError

    raise TemplateError(reason)


def check_template(tokenizer: Any, stored: str | None, *, bos: str, eos: str) -> Json:
    """Render the conversations with both templates. Raises ProofFailed naming the first that differs."""
    if not tokenizer.chat_template:
        return {"present": False, "conversations": 0, "differing": 0}
    cases = [(messages, prompt) for messages in CONVERSATIONS for prompt in (True, False)]
    for messages, prompt in cases:
        expected = render_transformers(tokenizer, messages, prompt)
        got = render_stored(stored or "", messages, prompt, bos=bos, eos=eos)
        if expected != got:
            reason = f"the stored chat template renders {str(got)[:60]!r} instead of {str(expected)[:60]!r}"
            raise ProofFailed(reason, fix="simplify the template")
    return {"present": True, "conversations": len(cases), "differing": 0}


def check_stops(tokenizer: Any, stop_ids: Sequence[int], *, bos: int | None, eos: int | None, ends: Callable[[int], bool]) -> Json:
    """The same bos and eos, and every token that the source stops at also stops the export (`ends`)."""
    for name, wanted, got in (("bos", tokenizer.bos_token_id, bos), ("eos", tokenizer.eos_token_id, eos)):
        if wanted is not None and wanted != got:
            raise ProofFailed(f"the {name} token is {wanted} in the source and {got} in the export", fix=FIX_STOPS)
    silent = [token for token in stop_ids if not ends(token)]
    if silent:
        raise ProofFailed(f"the source stops at token {silent[0]}, the export would not", fix=FIX_STOPS)
    return {"eos": eos, "stops": sorted({*stop_ids, *([] if eos is None else [eos])})}
