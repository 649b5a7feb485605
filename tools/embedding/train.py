#!/usr/bin/env python3
"""Trains the embedded model against all-MiniLM-L6-v2 on free text. See README.md.

    python3 train.py FOLDER    writes model.bin, vocabulary.txt and name.txt into src/memory/embedding

FOLDER is to work in: the repositories of the texts are fetched into it and the teacher's vectors are kept
there (1.2 GB), so that a second run only trains.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sparse

import asset
from distil import DIMENSIONS, FIRST_WORD, TARGET, alone, weights
from teacher import MAX_TOKENS, tokenizer

SEED = 0
EPOCHS = 3
BATCH = 512
# At the beginning; it falls to nothing in a straight line.
RATE = 6e-3
# Of the two aims: each text as its teacher's, and among the texts of a batch those near that the teacher finds near.
NEAR = 0.3
# Cosines over this: what the teacher finds nearer by .05 counts e times as much.
TEMPERATURE = 0.05
# Texts that are not trained on, to tell how near the teacher it came.
APART = 4000


def taught(folder: Path, threads: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """The texts, as how often each has which token, and the teacher's vectors of them."""
    kept = folder / "taught.npz"
    if not kept.exists():
        # What they need is not there where only the training is repeated.
        from many import FastTeacher
        from texts import texts

        read = tokenizer().encode_batch(texts(folder), add_special_tokens=False)
        # The student sees what the teacher saw.
        ids = [one.ids[: MAX_TOKENS - 2] for one in read if one.ids]
        vectors = FastTeacher(threads).embed_ids(ids)
        ends = np.cumsum([0] + [len(one) for one in ids])
        np.savez(kept, ids=np.concatenate([np.array(one, np.uint16) for one in ids]), ends=ends, vectors=vectors)
    file = np.load(kept)
    ids, ends = file["ids"].astype(np.int32), file["ends"].astype(np.int32)
    shape = (len(ends) - 1, tokenizer().get_vocab_size())
    return sparse.csr_matrix((np.ones(len(ids), np.float32), ids, ends), shape), file["vectors"]


def directions(vectors: np.ndarray) -> np.ndarray:
    """Those in which texts' vectors are long, in falling order; not centred, since cosines are to be kept. Each with
    its greatest entry positive: otherwise signs would be chance."""
    products = np.zeros((vectors.shape[1],) * 2)
    for start in range(0, len(vectors), BATCH * 64):
        some = vectors[start : start + BATCH * 64].astype(np.float32)
        products += some.T @ some
    axes = np.linalg.eigh(products)[1][:, ::-1][:, :DIMENSIONS]
    axes *= np.sign(axes[np.abs(axes).argmax(0), range(DIMENSIONS)])
    return axes.astype(np.float32)


def shares(cosines: np.ndarray) -> np.ndarray:
    """How much of each text's attention the others get; itself none."""
    np.fill_diagonal(cosines, -np.inf)
    out = np.exp((cosines - cosines.max(1, keepdims=True)) / TEMPERATURE)
    return out / out.sum(1, keepdims=True)


def of_length_1(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def slope(totals: np.ndarray, aims: np.ndarray) -> np.ndarray:
    """Of what is to fall, by the texts' sums of token vectors: 1 - cosine to the aim, and NEAR times the Kullback-
    Leibler divergence of the batch's shares from the teacher's."""
    lengths = np.maximum(np.linalg.norm(totals, axis=1, keepdims=True), 1e-9)
    texts = totals / lengths
    missed = (shares(texts @ texts.T) - shares(aims @ aims.T)) / TEMPERATURE
    by_text = NEAR * (missed + missed.T) @ texts - aims
    # A sum's length counts for nothing.
    return (by_text - (by_text * texts).sum(1, keepdims=True) * texts) / lengths / len(texts)


class Adam:
    """Of the tokens that a batch has, the others stay: a token's steps are as many as the batches that have it, so
    that what is hardly seen stays near its beginning."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table
        self.first, self.second = np.zeros_like(table), np.zeros_like(table)
        self.steps = np.zeros((len(table), 1), np.int64)

    def step(self, tokens: np.ndarray, slopes: np.ndarray, rate: float) -> None:
        self.steps[tokens] += 1
        self.first[tokens] = 0.9 * self.first[tokens] + 0.1 * slopes
        self.second[tokens] = 0.999 * self.second[tokens] + 0.001 * slopes * slopes
        first = self.first[tokens] / (1 - 0.9 ** self.steps[tokens])
        second = self.second[tokens] / (1 - 0.999 ** self.steps[tokens])
        self.table[tokens] -= (rate * first / (np.sqrt(second) + 1e-10)).astype(np.float32)


def train(table: np.ndarray, texts: sparse.csr_matrix, vectors: np.ndarray, axes: np.ndarray) -> None:
    """Changes the table in place."""
    dice = np.random.default_rng(SEED)
    learner = Adam(table)
    kept_apart = np.arange(texts.shape[0] - APART, texts.shape[0])
    epoch = (texts.shape[0] - APART) // BATCH
    begin = time.time()
    for step in range(EPOCHS * epoch):
        if step % epoch == 0:
            order = dice.permutation(texts.shape[0] - APART)
            near = nearness(table, texts, vectors, axes, kept_apart)
            print(f"epoch {step // epoch}, {time.time() - begin:.0f} s: {near}", flush=True)
        some = np.sort(order[step % epoch * BATCH :][:BATCH])
        batch = texts[some]
        tokens, places = np.unique(batch.indices, return_inverse=True)
        batch = sparse.csr_matrix((batch.data, places.astype(np.int32), batch.indptr), (len(some), len(tokens)))
        aims = of_length_1(vectors[some].astype(np.float32) @ axes)
        slopes = batch.T @ slope(batch @ table[tokens], aims)
        slopes[tokens < FIRST_WORD] = 0
        learner.step(tokens, slopes, RATE * (1 - step / (EPOCHS * epoch)))
    print(f"{time.time() - begin:.0f} s: {nearness(table, texts, vectors, axes, kept_apart)}")
    print(f"tokens that no text has: {(learner.steps[FIRST_WORD:] == 0).sum()}")


def nearness(
    table: np.ndarray, texts: sparse.csr_matrix, vectors: np.ndarray, axes: np.ndarray, some: np.ndarray
) -> str:
    mine, aims = of_length_1(texts[some] @ table), of_length_1(vectors[some].astype(np.float32) @ axes)
    pairs = np.triu_indices(len(some), 1)
    alike = np.corrcoef((mine @ mine.T)[pairs], (aims @ aims.T)[pairs])[0, 1]
    return f"cosine to the teacher {(mine * aims).sum(1).mean():.4f}, correlation of cosines {alike:.4f}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, help="where texts and vectors are kept")
    options.add_argument("--target", type=Path, default=TARGET, help="where the model is written")
    options.add_argument("--threads", type=int, default=1, help="of the teacher")
    given = options.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    texts, vectors = taught(given.folder, given.threads)
    axes = directions(vectors)
    words = [word for word, _ in sorted(tokenizer().get_vocab().items(), key=lambda item: item[1])]
    # It begins with what the teacher says of each token alone, seen from the same side.
    table = (alone(len(words)) @ axes * weights(len(words))[:, None]).astype(np.float32)
    train(table, texts, vectors, axes)
    print(asset.write(given.target, table.astype(np.float64), words))


if __name__ == "__main__":
    main()
