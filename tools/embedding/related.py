"""Words that say nearly the same: of each whole word of the vocabulary those whose vectors are nearest, by the
untrained model: trained vectors tell what a word adds to a text, and a doctor is nearer to patients there.

related.bin, little-endian, for each word that has any: its token as u16, how many follow as u8, and of each its
token as u16 and as u8 how near it is: 0 at LEAST, 255 for the same. Words of one stem stand once, by the most
frequent of them.
"""

import re
import struct
from pathlib import Path

import numpy as np
import snowballstemmer

import asset

# Below this cosine, words only share a subject.
LEAST = 0.4
MOST_WORDS = 12
WORD = re.compile("[a-z]{2,}")


def related(model: asset.Model, words: list[str]) -> list[tuple[int, list[tuple[int, int]]]]:
    stemmer = snowballstemmer.stemmer("english")
    by_stem: dict[str, int] = {}
    for token, word in enumerate(words):
        if model.scales[token] > 0 and WORD.fullmatch(word):
            by_stem.setdefault(stemmer.stemWord(word), token)
    tokens = np.array(list(by_stem.values()))
    # Products of whole numbers below 2^24: exact in float32, in whatever order they are added.
    rows = model.rows[tokens].astype(np.float32)
    lengths = np.sqrt((rows.astype(np.float64) ** 2).sum(1))
    found = []
    for start in range(0, len(tokens), 256):
        near = (rows[start : start + 256] @ rows.T) / np.outer(lengths[start : start + 256], lengths)
        for place, of_word in enumerate(near, start):
            of_word[place] = -1
            best = np.argpartition(-of_word, MOST_WORDS)[:MOST_WORDS].tolist()
            best.sort(key=lambda other: (-of_word[other], other))
            pairs = [(int(tokens[other]), round((of_word[other] - LEAST) / (1 - LEAST) * 255)) for other in best]
            pairs = [(other, nearness) for other, nearness in pairs if nearness > 0]
            if pairs:
                found.append((int(tokens[place]), pairs))
    return found


def write_related(target: Path, model: asset.Model, words: list[str]) -> None:
    body = b""
    for token, pairs in related(model, words):
        body += struct.pack("<HB", token, len(pairs))
        body += b"".join(struct.pack("<HB", other, min(nearness, 255)) for other, nearness in pairs)
    (target / "related.bin").write_bytes(body)
