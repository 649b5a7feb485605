#!/usr/bin/env python3
"""Makes the embedded model out of all-MiniLM-L6-v2. See README.md.

    python3 distil.py            writes model.bin, vocabulary.txt and name.txt into src/memory/embedding
    python3 distil.py --derive    writes related.bin, characters.rs and checks.jsonl beside them, out of these
"""

import argparse
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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--derive", action="store_true")
    derive = options.parse_args().derive
    tokens = tokenizer()
    words = [word for word, _ in sorted(tokens.get_vocab().items(), key=lambda item: item[1])]
    if derive:
        write_checks(TARGET, tokens)
        write_related(TARGET, asset.Model(TARGET, tokens), words)
        return
    table = reduce(alone(len(words))) * weights(len(words))[:, None]
    print(asset.write(TARGET, table, words))


if __name__ == "__main__":
    main()
