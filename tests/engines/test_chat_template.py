"""Which tokens are the assistant's: the built-in model's template and those of other families, against TRL's own marks."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from modelwright.engines.chat_template import assistant_spans, encode_chat, encode_text, render, stop_tokens
from modelwright.errors import DataError, ModelRefError, TrainingFailed
from tests.engines import tiny

SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] "
    "+ '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{% if loop.last and messages[0]['role'] == 'system' %}"
    "[INST] {{ messages[0]['content'] }}\n\n{{ m['content'] }}[/INST]{% else %}[INST] {{ m['content'] }}[/INST]{% endif %}"
    "{% elif m['role'] == 'assistant' %} {{ m['content'] }}</s>{% endif %}{% endfor %}"
)
NO_STOP = "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}\n{% endfor %}"
NO_STOP += "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
TWICE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} {{ m['content'] | upper }}\n{% endfor %}"
STOPS = ["<|im_end|>", "<|eot_id|>", "</s>", "<end_of_turn>", "<|end|>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>"]

ONE = [{"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "It is 4."}]
TWO = [*ONE, {"role": "user", "content": "And 3+3?"}, {"role": "assistant", "content": "It is 6."}]


@functools.cache
def base_tokenizer() -> Any:
    tokenizer = tiny.tokenizer_for("llama")
    tokenizer.add_special_tokens({"additional_special_tokens": STOPS})
    return tokenizer


def with_template(template: str) -> Any:
    tokenizer = base_tokenizer()
    tokenizer.chat_template = template
    return tokenizer


def stops() -> frozenset[int]:
    return frozenset(base_tokenizer().convert_tokens_to_ids(STOPS))


def trained_text(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    encoded = encode_chat(tokenizer, messages, stops())
    return str(tokenizer.decode([token for token, keep in zip(encoded.input_ids, encoded.trained, strict=True) if keep]))


def test_the_built_in_template_trains_the_answer_and_its_stop_token_only() -> None:
    assert trained_text(with_template(SMOLLM2), ONE) == "It is 4.<|im_end|>"


def test_every_answer_of_a_conversation_is_trained() -> None:
    assert trained_text(with_template(SMOLLM2), TWO) == "It is 4.<|im_end|>It is 6.<|im_end|>"


def test_system_messages_are_not_trained() -> None:
    assert trained_text(with_template(SMOLLM2), [{"role": "system", "content": "Be brief."}, *ONE]) == "It is 4.<|im_end|>"


def test_the_tokens_are_those_that_the_template_gives() -> None:
    tokenizer = with_template(SMOLLM2)
    assert encode_chat(tokenizer, TWO, stops()).input_ids == list(tokenizer.apply_chat_template(TWO, return_dict=True)["input_ids"])


def test_an_answer_that_repeats_the_question_is_still_found() -> None:
    echo = [{"role": "user", "content": "Say hi."}, {"role": "assistant", "content": "Say hi."}]
    encoded = encode_chat(with_template(SMOLLM2), echo, stops())
    text = render(with_template(SMOLLM2), echo)
    assert assistant_spans(with_template(SMOLLM2), echo, text)[0][0] > text.index("Say hi.") + 7
    assert trained_text(with_template(SMOLLM2), echo) == "Say hi.<|im_end|>"
    assert sum(encoded.trained) < len(encoded.trained) / 2


def test_letters_of_several_bytes_are_trained_whole() -> None:
    chat = [{"role": "user", "content": "grüß Gott 👋"}, {"role": "assistant", "content": "Schön 🌻🇩🇪!"}]
    assert trained_text(with_template(SMOLLM2), chat) == "Schön 🌻🇩🇪!<|im_end|>"


def test_a_template_that_moves_the_system_message_is_proved_by_exchanging_words() -> None:
    """Mistral writes the system message before the last question, so earlier turns are no prefix of the whole."""
    chat = [{"role": "system", "content": "Be brief."}, *TWO, {"role": "user", "content": "Bye?"}, {"role": "assistant", "content": "Bye!"}]
    assert trained_text(with_template(MISTRAL), chat) == " It is 4.</s> It is 6.</s> Bye!</s>"


def test_a_template_without_a_stop_token_gets_one_after_the_last_answer() -> None:
    assert trained_text(with_template(NO_STOP), TWO).endswith("It is 6.\n<|im_end|>")


def test_a_template_that_writes_an_answer_twice_is_refused() -> None:
    with pytest.raises(TrainingFailed, match="cannot prove where the chat template puts answer 2"):
        encode_chat(with_template(TWICE.replace("{{ m['content'] }} ", "{{ m['content'] | lower }} ")), ONE, stops())


def test_what_the_template_refuses_is_bad_data() -> None:
    template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(DataError, match="roles must alternate"):
        encode_chat(with_template(template), ONE, stops())


def test_a_model_without_a_template_cannot_be_trained_on_chats() -> None:
    with pytest.raises(ModelRefError, match="no chat template"):
        encode_chat(with_template(""), ONE, stops())


def test_plain_text_is_trained_whole_with_an_end() -> None:
    tokenizer = with_template("")
    encoded = encode_text(tokenizer, "Once upon a time")
    assert encoded.input_ids[-1] == tokenizer.eos_token_id
    assert all(encoded.trained)


def test_stop_tokens_come_from_the_tokenizer_and_the_generation_settings() -> None:
    class Model:
        class generation_config:
            eos_token_id = (1, 106)

    Model.generation_config.eos_token_id = [1, 106]  # type: ignore[assignment]
    assert stop_tokens(base_tokenizer(), Model) == {base_tokenizer().eos_token_id, 1, 106}


FAMILIES = ["llama3", "gemma", "gemma3", "qwen2_5", "qwen3", "qwen3_instruct_2507", "cohere", "cohere2", "phi3", "lfm2", "deepseekv3"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("chat", [ONE, TWO], ids=["one answer", "two answers"])
def test_nothing_is_trained_that_trls_own_training_template_leaves_out(family: str, chat: list[dict[str, str]]) -> None:
    """TRL ships each family's template a second time with marks around the answers, written by hand: the reference here."""
    import trl

    folder = Path(trl.__file__).parent / "chat_templates"
    tokenizer = with_template((folder / f"{family}_training.jinja").read_text(encoding="utf-8"))
    marked = tokenizer.apply_chat_template(chat, return_dict=True, return_assistant_tokens_mask=True)
    marked_text = tokenizer.decode([t for t, keep in zip(marked["input_ids"], marked["assistant_masks"], strict=True) if keep])
    ours = trained_text(with_template((folder / f"{family}.jinja").read_text(encoding="utf-8")), chat)
    assert all(f"{message['content']}<" in ours for message in chat if message["role"] == "assistant")
    assert all(message["content"] not in ours for message in chat if message["role"] == "user")
    assert _is_subsequence(ours.replace("<|im_end|>" if family == "phi3" else "\0", ""), marked_text.replace("\0", ""))


def _is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(letter in rest for letter in part)
