"""Tools that rules of the planner speak of by name."""

from __future__ import annotations

INDEX, SEARCH, ANSWER = "rag_index", "rag_search", "rag_answer"
RETRIEVAL_QUALITY = "evaluate_retrieval"
LOSS = "quantization_quality"
"""Measures what quantizing cost."""
TRAINS = frozenset({"finetune", "align", "pretrain"})
