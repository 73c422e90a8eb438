"""Tiny models with random weights and real tokenizers, made in half a second, for tests of export and quantize.

The weights are larger than at the start of a training, so that a wrong export shows: logits differ by whole nats.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from modelwright.engines import gguf_tokenizer, proof

TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}<|im_start|>assistant\n{% generation %}{{ m['content'] }}<|im_end|>"
    "{% endgeneration %}\n{% else %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@functools.cache
def trained_bpe(regex: str, ignore_merges: bool) -> str:
    """tokenizer.json of a byte-level BPE with 1000 tokens, trained on the proof's own strings and some code."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(regex), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    corpus = [*proof.STRINGS, *proof.PROMPTS, Path(proof.__file__).read_text(encoding="utf-8")]
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=1000,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        ),
    )
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False, special=False)])
    return str(tokenizer.to_str())


def tokenizer_for(family: str) -> Any:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    regex, ignore = (gguf_tokenizer._LLAMA3, True) if family == "llama" else (gguf_tokenizer._QWEN2, False)
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(trained_bpe(regex, ignore)),
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=TEMPLATE,
    )


def make(folder: Path, family: str = "llama", *, hidden: int = 64, seed: int = 0, **changes: Any) -> Path:
    """A Hugging Face folder of two layers; `changes` go into its config."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = tokenizer_for(family)
    settings = {
        "vocab_size": len(tokenizer) + 7,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 2,
        **changes,
    }
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **settings), dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.normal_(0, 2.0 / weight.shape[-1] ** 0.5)
            elif name.endswith("bias"):
                weight.normal_(0, 0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def adapter(folder: Path, base: Path, *, seed: int = 1, **changes: Any) -> Path:
    """A LoRA adapter on `base` whose B is not zero; `changes` go into its LoraConfig."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    settings = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **changes}
    torch.manual_seed(seed)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), LoraConfig(**settings))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.05)
    model.peft_config["default"].base_model_name_or_path = str(base)
    model.save_pretrained(folder)
    return folder
