#!/usr/bin/env python3
"""What training begins with, out of all-MiniLM-L6-v2 alone; and what is derived from the model. See README.md.

    python3 distil.py --derive    writes characters.rs and checks.jsonl beside the model, out of it, and related.bin,
                                  out of the untrained one
    python3 distil.py             writes the untrained model instead: model.bin, vocabulary.txt and name.txt
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import asset
from checks import write_checks
from related import write_related
from teacher import Teacher, tokenizer

DIMENSIONS = 256
# Of frequent words little is kept: a word's weight is RARE / (RARE + its share of all text), and the vocabulary
# stands in the order of frequency, so by Zipf the share of the n-th is in proportion to 1/n.
RARE = 1e-4
# Placeholders and marks of the teacher's training stand before this id; they mean nothing.
FIRST_WORD = 999

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "src" / "memory" / "embedding"


def alone(vocabulary: int) -> np.ndarray:
    """What the teacher says of each token by itself."""
    return Teacher().embed_ids([[token] for token in range(vocabulary)])


def reduce(vectors: np.ndarray) -> np.ndarray:
    """The directions in which tokens differ most (PCA), each with its greatest entry positive: otherwise signs
    would be chance."""
    centred = vectors - vectors[FIRST_WORD:].mean(0)
    _, axes = np.linalg.eigh(centred[FIRST_WORD:].T.astype(np.float64) @ centred[FIRST_WORD:])
    axes = axes[:, ::-1][:, :DIMENSIONS]
    axes *= np.sign(axes[np.abs(axes).argmax(0), range(DIMENSIONS)])
    return centred @ axes


def weights(vocabulary: int) -> np.ndarray:
    share = 1 / np.arange(2, vocabulary + 2)
    share /= share.sum()
    weight = RARE / (RARE + share)
    weight[:FIRST_WORD] = 0
    return weight


def untrained(vocabulary: int) -> np.ndarray:
    return reduce(alone(vocabulary)) * weights(vocabulary)[:, None]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--derive", action="store_true")
    options.add_argument("--target", type=Path, default=TARGET, help="where the model is")
    given = options.parse_args()
    tokens = tokenizer()
    words = [word for word, _ in sorted(tokens.get_vocab().items(), key=lambda item: item[1])]
    if not given.derive:
        print(asset.write(given.target, untrained(len(words)), words))
        return
    write_checks(given.target, tokens)
    with tempfile.TemporaryDirectory() as folder:
        asset.write(Path(folder), untrained(len(words)), words)
        write_related(given.target, asset.Model(Path(folder), tokens), words)


if __name__ == "__main__":
    main()
