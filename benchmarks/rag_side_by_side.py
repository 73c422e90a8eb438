"""Side by side with LlamaIndex on one corpus, embedder and machine: index seconds, query p50 and p95, memory, nDCG@10.

    python -m venv llama_venv
    llama_venv/bin/pip install -c constraints.txt llama-index-core llama-index-embeddings-huggingface
    python benchmarks/rag_side_by_side.py FOLDER --other llama_venv/bin/python [--limit DOCUMENTS]

FOLDER is a BEIR folder. Each side runs in a process of its own, one after the other, with the same all-MiniLM-L6-v2 folder on
the CPU and one thread, documents whole (no chunking on either side); LlamaIndex with its default in-memory vector store, which is
exact, as ours is. Memory is the peak resident size of the process and its children.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import card

from modelwright.memory.embedders import packaged_folder
from modelwright.scoring import retrieval

COMMON = """
import json, sys, time, statistics, resource
spec = json.load(open(sys.argv[1]))
def done(runs, index_seconds, times):
    both = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    times = sorted(times)
    print(json.dumps({"runs": runs, "index_seconds": index_seconds, "p50": statistics.median(times) * 1e3,
                      "p95": times[int(0.95 * len(times))] * 1e3, "memory_mb": both}))
"""
OURS = (
    COMMON
    + """
import tempfile
from pathlib import Path
from modelwright.config import Settings
from modelwright.memory import NewItem, Store, open_embedder
embedder = open_embedder(Settings(embedder=spec["model"]))
with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "s.db", embedder) as store:
    began = time.perf_counter()
    documents = list(spec["documents"].items())
    for start in range(0, len(documents), 256):
        store.write("c", [NewItem(text, key=one) for one, text in documents[start:start + 256]])
    store.save("c")
    seconds = time.perf_counter() - began
    runs, times = {}, []
    for query, text in spec["queries"].items():
        began = time.perf_counter()
        hits = store.search_dense("c", store.embed_query("c", text), 10)
        times.append(time.perf_counter() - began)
        runs[query] = [hit.item.key for hit in hits]
embedder.close()
done(runs, seconds, times)
"""
)
LLAMA_INDEX = (
    COMMON
    + """
import torch
torch.set_num_threads(1)
from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
model = HuggingFaceEmbedding(spec["model"], device="cpu", embed_batch_size=64)
model.get_text_embedding("warm")
began = time.perf_counter()
index = VectorStoreIndex([TextNode(id_=one, text=text) for one, text in spec["documents"].items()], embed_model=model)
seconds = time.perf_counter() - began
retriever = index.as_retriever(similarity_top_k=10)
runs, times = {}, []
for query, text in spec["queries"].items():
    began = time.perf_counter()
    hits = retriever.retrieve(text)
    times.append(time.perf_counter() - began)
    runs[query] = [hit.node.node_id for hit in hits]
done(runs, seconds, times)
"""
)


def run(python: str, code: str, spec: Path) -> dict[str, object]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    finished = subprocess.run([python, "-c", code, str(spec)], capture_output=True, text=True, check=False, env=environment)
    if finished.returncode:
        sys.exit(f"{python} failed:\n{finished.stderr[-2000:]}")
    value: dict[str, object] = json.loads(finished.stdout.splitlines()[-1])
    return value


def versions(python: str) -> str:
    packages = ("llama-index-core", "llama-index-embeddings-huggingface", "sentence-transformers", "torch", "numpy")
    code = f"from importlib.metadata import version; print(', '.join(f'{{p}} {{version(p)}}' for p in {packages}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    collection = retrieval.read_beir(Path(sys.argv[1]))
    limit = int(sys.argv[sys.argv.index("--limit") + 1]) if "--limit" in sys.argv else len(collection.documents)
    documents = {one: f"{title} {text}".strip() or one for one, (title, text) in list(collection.documents.items())[:limit]}
    print(card("faiss-cpu", "numpy"))
    sides = {"modelwright": (sys.executable, OURS)}
    if "--other" in sys.argv:
        other = sys.argv[sys.argv.index("--other") + 1]
        sides["LlamaIndex"] = (other, LLAMA_INDEX)
        print(f"the other side: {versions(other)}")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as stream:
        json.dump({"documents": documents, "queries": collection.queries, "model": str(packaged_folder())}, stream)
        stream.flush()
        print(f"{len(documents)} documents, {len(collection.queries)} queries\n")
        print(f"{'':<14} {'index s':>8} {'p50 ms':>8} {'p95 ms':>8} {'memory MB':>10} {'nDCG@10':>8}")
        for name, (python, code) in sides.items():
            found = run(python, code, Path(stream.name))
            runs = found["runs"]
            assert isinstance(runs, dict)
            values = retrieval.score(runs, collection.judgements)["ndcg@10"].values()
            numbers = (found["index_seconds"], found["p50"], found["p95"], found["memory_mb"])
            print(f"{name:<14} " + " ".join(f"{float(str(n)):>8.2f}" for n in numbers) + f"   {sum(values) / len(values):>8.4f}")


if __name__ == "__main__":
    main()
