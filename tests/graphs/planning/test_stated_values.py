"""Numbers, lists, types, flags and names that a request states reach the argument that they are for, in many languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.contract import Tool
from modelwright.graphs.planning import phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.fill_text import text_for
from modelwright.graphs.planning.nouns import find_indexes, with_served_names
from modelwright.graphs.planning.numbers import find_numbers, implied
from modelwright.graphs.planning.planner import Planner
from modelwright.graphs.planning.units import in_own_unit

from .conftest import put_files
from .test_arguments import Drafts
from .test_phrases import assert_stated

FILES = ["a.gguf", "b.gguf", "a-q4.gguf", "a-q8.gguf", "a.jsonl", "a_val.jsonl", "b.txt", "c.txt", "notes/page.md", "base/config.json"]
STATED = [
    ("rag_search", "the 6 mails in the index kb that are most about refunds", {"top_k": 6}),
    ("rag_search", "die 4 besten Stellen zum Thema Rückgabe aus dem Index kb", {"top_k": 4, "query": "Rückgabe"}),
    ("rag_search", "busca en el índice kb sobre vacaciones, dame los 6 mejores pasajes", {"top_k": 6, "query": "vacaciones"}),
    ("rag_search", "procura no índice kb por reembolso, uns 5 tá bom", {"top_k": 5, "query": "reembolso"}),
    ("rag_search", "paragraphs about fees in the index kb, exact words only, three hits are enough", {"mode": "lexical", "top_k": 3}),
    (
        "evaluate_retrieval",
        "test the index kb with a.jsonl, by words and meaning, the first 300 are enough",
        {"mode": "hybrid", "limit": 300, "top_k": None},
    ),
    ("evaluate", "score a.gguf on a.jsonl, answers are short so 32 tokens max", {"max_new_tokens": 32}),
    ("evaluate", "évalue a.gguf sur a.jsonl, réponses de 48 tokens au plus", {"max_new_tokens": 48}),
    ("inspect_dataset", "prüfe a.jsonl, höchstens 50 Probleme auflisten", {"max_problems": 50}),
    ("inspect_dataset", "controlla a.jsonl, al massimo 7 errori", {"max_problems": 7}),
    ("choose_engine", "about 16 ppl at the same time, it manages the models for us", {"users": 16, "needs": ["model_management"]}),
    ("choose_engine", "I'm the only one using it, it has to live inside his own Python process", {"users": 1, "needs": ["in_process"]}),
    ("choose_engine", "cinco usuarios a la vez, una API compatible con OpenAI", {"users": 5, "needs": ["openai_api"]}),
    (
        "kv_cache",
        "32 layers, 8 kv heads of 128, for 10 people at once, 8k context each",
        {"head_dim": 128, "batch_size": 10, "context_length": 8192},
    ),
    (
        "kv_cache",
        "the cache of a.gguf in int8 under vllm, vllm taking 90 percent of 20 GB",
        {"dtype": "int8", "gpu_memory_utilization": 0.9},
    ),
    (
        "memory_fit",
        "does base in fp8 fit, four requests at once with 4k each?",
        {"quantization": "fp8", "batch_size": 4, "context_length": 4096},
    ),
    ("memory_fit", "does base/ as int8 go into 12 GiB?", {"quantization": "int8", "memory_gib": 12}),
    ("choose_engine", "3 users, a separate LoRA per department on one server", {"users": 3, "needs": ["multi_lora"]}),
    ("cost", "the rig pulls 380w, 0.28 usd per kwh, 45 tok/s, 80 tokens out", {"power_watts": 380, "electricity_price": 0.28}),
    ("evaluate_retrieval", "measure the index kb with a.jsonl, set the rewrites to zero", {"max_rewrites": 0}),
    ("benchmark", "load test the model, replies are like 80 tok", {"model": "builtin", "output_tokens": 80}),
    ("benchmark", "a.gguf, one user and 128 out so I have a reference", {"output_tokens": 128}),
    ("benchmark", "a.gguf, a whole reply in 1500ms", {"e2e_ms": 1500}),
    ("benchmark", "a.gguf at 2 and 5 rps, e2e SLO is 3s", {"e2e_ms": 3000, "rate": [2, 5]}),
    ("quantization_quality", "we must not lose accuracy: a.gguf in Q4_K_M, KL divergence on b.txt", {"dataset": "b.txt", "metrics": None}),
    (
        "quantization_quality",
        "a.gguf in Q4_K_M, also the accuracy on a.jsonl, exact match",
        {"eval_dataset": "a.jsonl", "metrics": ["exact_match"]},
    ),
    ("benchmark", "a.gguf com 4 requisições ao mesmo tempo", {"concurrency": [4], "requests": None}),
    ("benchmark", "a.gguf con 2 peticiones simultáneas", {"concurrency": [2], "requests": None}),
    (
        "benchmark",
        "a.gguf: the first word has to show up within 1 second, and 50 ms for each token after",
        {"ttft_ms": 1000, "tpot_ms": 50},
    ),
    ("benchmark", "miss a.gguf: erstes Token unter 500 ms, danach 40 ms pro Token", {"ttft_ms": 500, "tpot_ms": 40}),
    ("benchmark", "find the load where the latency of a.gguf takes off", {"sweep": True}),
    ("benchmark", "find the point where a.gguf no longer holds 2 seconds to the first token", {"sweep": True, "ttft_ms": 2000}),
    (
        "benchmark",
        "prompts around 400 tokens, replies 90, on a.gguf, repeat it all 5 times",
        {"prompt_tokens": 400, "output_tokens": 90, "repeats": 5},
    ),
    ("benchmark", "512-token prompts, 96 tokens out, a.gguf", {"prompt_tokens": 512, "output_tokens": 96}),
    ("benchmark", "a.gguf with loads of 2 and 6, an end after 30 s", {"concurrency": [2, 6], "rate": None}),
    ("benchmark", "quanto è veloce a.gguf con prompt da 200 token e risposte da 50?", {"prompt_tokens": 200, "output_tokens": 50}),
    ("choose_engine", "an engine for a team of eleven on an A100", {"users": 11}),
    ("choose_engine", "all three grandchildren talk to a.gguf at the same time, which engine?", {"users": 3}),
    ("kv_cache", "the cache of a.gguf at 16384 tokens, keys in q8_0 but the values in q4_0", {"dtype": "q8_0", "dtype_v": "q4_0"}),
    ("benchmark", "à quelle vitesse répond a.gguf, une seule requête à la fois", {"concurrency": [1]}),
    (
        "benchmark",
        "how fast is http://localhost:8000/v1, model name tellerbot",
        {"model": "openai:http://localhost:8000/v1#tellerbot"},
    ),
    ("export_model", "merge base/ into an ordinary Hugging Face folder for him, named joined", {"format": "hf", "output": "joined"}),
    (
        "export_model",
        "he would rather not fiddle about with a separate adapter: make base/ a Hugging Face folder",
        {"format": "hf"},
    ),
    ("evaluate", "how often is a.gguf literally right on a.jsonl, character for character?", {"metrics": ["exact_match"]}),
    (
        "evaluate",
        "score a.gguf on a.jsonl: in how many answers does the pattern \\d+ g/mol turn up",
        {"metrics": ["regex"], "pattern": "\\d+ g/mol"},
    ),
    ("rag_search", "what is said of fees in the index kb, look only at the pdfs", {"kinds": ["pdf"]}),
    ("compare", "which answers better, a.gguf or b.gguf? The rows are in a.jsonl", {"dataset": "a.jsonl", "train_dataset": None}),
    (
        "finetune",
        "teach it our style with a.jsonl. There is also a_val.jsonl, please don't train on that one",
        {"dataset": "a.jsonl", "eval_dataset": "a_val.jsonl"},
    ),
    ("memory_fit", "can base/ be trained with LoRA in 16 GiB, activations computed a second time", {"recompute": True}),
    ("finetune", "trainiere auf a.jsonl, Zeilen auf 256 Token kürzen", {"max_length": 256}),
    ("benchmark", "mide a-q4.gguf. Usa el q8 como referencia, el otro es a-q8.gguf", {"model": "a-q4.gguf", "baseline": "a-q8.gguf"}),
    ("benchmark", "take a-q8.gguf as the reference and time a-q4.gguf", {"model": "a-q4.gguf", "baseline": "a-q8.gguf"}),
    (
        "rag_index",
        "index notes/ as kb in shorter pieces, 120 tokens with an overlap of 20",
        {"index": "kb", "chunk_tokens": 120, "overlap": 20},
    ),
    (
        "rag_index",
        "indiziere notes/ als kb, Stücke von 180 Token, 30 Token Überlappung",
        {"index": "kb", "chunk_tokens": 180, "overlap": 30},
    ),
    ("rag_index", "index notes/, cut by function/class", {"chunker": "code"}),
    ("finetune", "train on a.jsonl, one row at a time, half an epoch", {"batch_size": 1, "epochs": 0.5}),
    ("finetune", "entraîne sur a.jsonl, garde a_val.jsonl de côté pour la loss", {"dataset": "a.jsonl", "eval_dataset": "a_val.jsonl"}),
    ("finetune", "entrena con a.jsonl y deja a_val.jsonl aparte para validar", {"dataset": "a.jsonl", "eval_dataset": "a_val.jsonl"}),
    ("finetune", "trainiere auf a.jsonl, zweihundert Schritte, Rang von 8", {"max_steps": 200, "lora_rank": 8}),
    (
        "quantization_quality",
        "what does a.gguf lose if the cache is q8_0, and what if it's q4_0? use b.txt",
        {"kv_cache_types": ["q8_0", "q4_0"]},
    ),
    (
        "quantization_quality",
        "wie viel schlechter wird a.gguf in Q4_K_M auf b.txt, imatrix aus c.txt",
        {"dataset": "b.txt", "imatrix_dataset": "c.txt"},
    ),
    ("export_model", "exportiere base/ als GGUF nach out/stil.gguf", {"output": "out/stil.gguf"}),
    (
        "rag_answer",
        "index kb, the person asking is in the group staff: who signs travel requests?",
        {"groups": ["staff"], "question": "who signs travel requests?"},
    ),
    ("rag_answer", "someone from the group sales asks: who may give a discount? index kb", {"groups": ["sales"]}),
    ("rag_answer", "desde el índice kb, en una sola frase: ¿quién firma?", {"max_sentences": 1}),
    ("rag_answer", "who signs? index kb, only files with lease in the path", {"path": "lease"}),
    ("rag_answer", "index kb: who signs? if you're less than 60% sure say nothing", {"threshold": 0.6}),
    ("cost", "a GPU at 2 dollars la hora, the prompt has 900 tokens", {"price": 2, "price_per": "hour", "input_tokens": 900}),
    (
        "speculate",
        "wird b.gguf schneller, wenn a.gguf immer 5 Token voraus rät?",
        {"model": "b.gguf", "draft_model": "a.gguf", "draft_tokens": 5},
    ),
    ("speculate", "b.gguf is the big one, a.gguf does the guessing", {"model": "b.gguf", "draft_model": "a.gguf"}),
    ("finetune", "train us the whole model on a.jsonl", {"method": "full"}),
    ("finetune", "trainiere auf a.jsonl, alles, kein LoRA", {"method": "full"}),
    ("finetune", "a full model (not an adapter), trained on a.jsonl", {"method": "full"}),
    ("finetune", "train on a.jsonl and use a_val.jsonl to watch the loss", {"dataset": "a.jsonl", "eval_dataset": "a_val.jsonl"}),
    (
        "finetune",
        "trainiere auf a.jsonl. In a_val.jsonl liegen Zeilen, die nicht ins Training sollen",
        {"dataset": "a.jsonl", "eval_dataset": "a_val.jsonl"},
    ),
    ("finetune", "train on a.jsonl, batch must be 1", {"batch_size": 1}),
    ("evaluate", "how often has an answer of a.gguf on a.jsonl something like [A-Z][0-9]{2} in it?", {"metrics": ["regex"]}),
    ("evaluate", "score a.gguf on a.jsonl, it is enough if the reference is contained in the answer", {"metrics": ["contains"]}),
    (
        "rag_search",
        "look for the exact word nosocomial in our index kb, just by words, no semantic stuff",
        {"query": "nosocomial", "index": "kb", "mode": "lexical"},
    ),
    (
        "rag_answer",
        "Someone asked: which gloves are right? Answer it from the index kb, but say nothing if you are under 60% sure",
        {"question": "which gloves are right?", "threshold": 0.6},
    ),
    ("rag_answer", "who signs? index kb. If you are not at least 60 percent sure, say nothing", {"threshold": 0.6}),
    ("rag_answer", "wer unterschreibt? index kb, nur wenn du zu 70 Prozent sicher bist", {"threshold": 0.7}),
    (
        "rag_answer",
        "answer this from the index kb, in two sentences at most and only with a confidence of 60 percent or more: who signs the forms?",
        {"question": "who signs the forms?", "max_sentences": 2, "threshold": 0.6},
    ),
    ("benchmark", "find the point where a.gguf starts to choke under load", {"sweep": True}),
    ("benchmark", "ab welcher Last geht a.gguf in die Knie?", {"sweep": True}),
    ("benchmark", "a.gguf with four requests at a time, first token under a second", {"concurrency": [4], "ttft_ms": 1000}),
    ("benchmark", "does the first word of a.gguf come within a second with 3 users?", {"ttft_ms": 1000}),
    ("benchmark", "mide la velocidad de a.gguf con 1 y con 8 peticiones a la vez", {"concurrency": [1, 8]}),
    ("choose_engine", "an engine for an M2 Max macbook, just me using it", {"hardware": "M2 Max", "users": 1}),
    ("rag_index", "Zaindeksuj katalog notes/ pod nazwą przelom", {"index": "przelom"}),
    ("rag_index", "add the folder notes to the index notes", {"path": "notes", "index": "notes"}),
    ("evaluate_retrieval", "test the index kb with a.jsonl, dense only, the dev split", {"mode": "dense", "split": "dev"}),
    ("evaluate_retrieval", "how well does search on the product index work these days? a.jsonl", {"index": "product"}),
    (
        "kv_cache",
        "vllm, 80 GiB card, takes 85 percent of it - how many requests of 8k does the cache of Llama-3.1-8B hold?",
        {"gpu_memory_utilization": 0.85, "context_length": 8192, "batch_size": None},
    ),
    ("compare", "is a.gguf beter dan b.gguf op a.jsonl? Neem 100 rijen", {"limit": 100}),
    (
        "cost",
        "700 tokens de entrada y 200 de salida, a 0,40 dólares el millón de entrada y 1,60 el de salida",
        {"price": 0.4, "output_price": 1.6},
    ),
]


@pytest.mark.parametrize(("tool", "request_", "args"), STATED)
def test_a_stated_value_reaches_its_argument(
    tool: str, request_: str, args: dict[str, Any], workspace: Path, all_tools: dict[str, Tool]
) -> None:
    put_files(workspace, FILES)
    assert_stated(tool, request_, args, workspace, all_tools)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("two and a half epochs", [2.5]),
        ("half an epoch", [0.5]),
        ("2,5 Epochen", [2.5]),
        ("1,5 concurrent", [1, 5]),
        ("dreihundert Zeilen", [300]),
        ("vingt-cinq lignes", [25]),
        ("en una sola frase", [1]),
        ("una carpeta", []),
        ("within 400ms", [400]),
    ],
)
def test_numbers_as_people_write_them(text: str, values: list[float]) -> None:
    assert [c.value for c in find_numbers(text)] == values


def test_seconds_of_other_languages_are_milliseconds_where_those_are_counted() -> None:
    text = "antes de 1 segundo"
    [number] = find_numbers(text)
    assert in_own_unit("ttft_ms", None, 1, text, number.end) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "bench http://gpu:8000/v1 (model name there is support-8b) with 5 users",
        "our endpoint is http://gpu:8000/v1 and the model is served as support-8b; how fast",
        "miss http://gpu:8000/v1 (Modell dort: support-8b) mit 3 Anfragen",
        "support-8b is running at http://gpu:8000/v1, how fast",
    ],
)
def test_a_served_name_belongs_to_its_endpoint(text: str) -> None:
    place, name = text.index("http"), text.index("support-8b")
    url = Candidate("model", "openai:http://gpu:8000/v1", place, place + 18, text[place : place + 18])
    [found] = with_served_names([url, Candidate("model", "support-8b", name, name + 10, "support-8b")], text)
    assert found.value == "openai:http://gpu:8000/v1#support-8b"
    assert text[found.start : found.end].count("support-8b") == 1


def test_an_endpoint_without_a_name_stays_as_it_is() -> None:
    text = "http://gpu:8000/v1 with a-7b.gguf"
    found = [Candidate("model", "openai:http://gpu:8000/v1", 0, 18, text[:18]), Candidate("model", "a-7b.gguf", 24, 33, "a-7b.gguf")]
    assert with_served_names(found, text) == found


def test_a_folder_and_the_name_of_its_index() -> None:
    assert [c.value for c in find_indexes("1) index product_manuals as manuals, 2) search it")] == ["manuals"]


def test_how_many_are_wanted_is_no_part_of_what_is_looked_for() -> None:
    found = text_for("query", "search for parental leave, at most 5 hits", [])
    assert found is not None
    assert found.value == "parental leave"


def test_words_that_turns_of_speech_share_are_written_out() -> None:
    assert phrases.shaped("users", "for 7 co-workers in parallel", 4, 5)
    assert not phrases.shaped("users", "for 7 bananas in parallel", 4, 5)


def test_the_format_of_a_folder_that_is_then_quantized_stands(workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, FILES)
    drafted = Drafts(("export_model", {}), ("quantize", {}), score=-0.05)
    plan = Planner(drafted, all_tools, workspace).plan("merge base/ to an hf folder, then gptq it, calibrate on b.txt")
    assert plan.steps[0].args["format"] == "hf"


@pytest.mark.parametrize(("text", "values"), [("tokens a second", []), ("in under a second", [1]), ("just me", [1]), ("tell me", [])])
def test_one_that_no_number_says(text: str, values: list[int]) -> None:
    assert [c.value for c in implied(text)] == values


def test_two_questions_of_one_use_share_what_it_is(workspace: Path, all_tools: dict[str, Tool]) -> None:
    drafted = Drafts(("memory_fit", {}), ("choose_engine", {}), score=-0.05)
    request = "We want Llama-3.1-8B in fp8 for 10 people at once, 8k context each. Does that fit on an A100? And which engine runs it?"
    fits, engine = Planner(drafted, all_tools, workspace).plan(request).steps
    assert (fits.args["quantization"], fits.args["batch_size"], fits.args["context_length"]) == ("fp8", 10, 8192)
    assert (engine.args["users"], engine.args["hardware"]) == (10, "A100")


def test_training_does_not_take_the_test_set(workspace: Path, all_tools: dict[str, Tool]) -> None:
    put_files(workspace, ["a.jsonl", "a_test.jsonl"])
    drafted = Drafts(("inspect_dataset", {}), ("finetune", {}), ("compare", {}))
    request = "check a.jsonl, then fine-tune for 2 epochs, compare it with the original on a_test.jsonl"
    plan = Planner(drafted, all_tools, workspace).plan(request)
    assert next(s for s in plan.steps if s.tool == "finetune").args["dataset"] == "a.jsonl"
