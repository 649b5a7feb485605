"""The files of the embedded model, as src/memory/embedding reads them.

model.bin, little-endian: the magic `AIFSTAT1`, the number of tokens and of dimensions as u32, a scale for each
token as u16, then the tokens' rows as i8. A token's vector is its row times its scale; a text's is the sum over
its tokens, brought to length 127. A scale of 0 says that the token tells nothing.

name.txt is the model's name, with a digest of model.bin: vectors of different names cannot be compared.
"""

import hashlib
import struct
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

MAGIC = b"AIFSTAT1"
LENGTH = 127
# A text of 4,096 tokens of the greatest scale and value still fits into an i32.
MAX_SCALE = 4095
MAX_TOKENS = 4096


def quantise(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A table of token vectors, weights included, to (scales, rows)."""
    exact = np.abs(table).max(1) / 127
    unit = exact.max() / MAX_SCALE
    scales = np.where(exact > 0, np.maximum(1, np.round(exact / unit)), 0)
    rows = np.round(table / np.maximum(scales, 1)[:, None] / unit).clip(-127, 127)
    return scales.astype(np.uint16), rows.astype(np.int8)


def write(folder: Path, table: np.ndarray, vocabulary: list[str]) -> str:
    scales, rows = quantise(table)
    body = MAGIC + struct.pack("<II", *rows.shape) + scales.astype("<u2").tobytes() + rows.tobytes()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(body)
    name = f"minilm-static-256-{hashlib.sha256(body).hexdigest()[:8]}"
    (folder / "name.txt").write_text(f"{name}\n")
    (folder / "vocabulary.txt").write_text("".join(f"{token}\n" for token in vocabulary), "utf-8")
    return name


class Model:
    """The product's arithmetic, to the last bit."""

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        body = (folder / "model.bin").read_bytes()
        assert body[:8] == MAGIC
        tokens, dimensions = struct.unpack_from("<II", body, 8)
        self.scales = np.frombuffer(body, "<u2", tokens, 16).astype(np.int64)
        self.rows = np.frombuffer(body, np.int8, tokens * dimensions, 16 + 2 * tokens).reshape(tokens, dimensions)
        self.tokenizer = tokenizer

    def embed(self, texts: list[str]) -> np.ndarray:
        out = np.zeros((len(texts), self.rows.shape[1]), np.int8)
        for index, read in enumerate(self.tokenizer.encode_batch(texts, add_special_tokens=False)):
            ids = read.ids[:MAX_TOKENS]
            total = (self.rows[ids].astype(np.int64) * self.scales[ids][:, None]).sum(0)
            square = 0.0
            for value in total.tolist():
                square += float(value) * float(value)
            if square > 0:
                exact = total.astype(np.float64) * (LENGTH / square**0.5)
                # Half away from zero, as Rust rounds.
                out[index] = np.sign(exact) * np.floor(np.abs(exact) + 0.5)
        return out
