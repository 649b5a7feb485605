#!/usr/bin/env python3
"""Fit the weights of src/memory/extraction/weights.json on the labelled snippets, and foretell how good they will be.

    SIGNS=1 cargo test --lib extraction::evaluation -- --nocapture --test-threads 1 | grep '^{"' > features.jsonl
    bench/extraction/fit.py features.jsonl           cross-validation, for each strength of the penalty
    bench/extraction/fit.py features.jsonl --write   the weights, written into the source

Two logistic regressions, with the weights held small (L2). The first: is a statement worth remembering? It is where it
stands over an expected quote, and is not where it stands over a refused one or in a snippet of which nothing is expected;
others teach nothing, nor does what repeats something known, which by itself looks like any other memory. The second: does
a statement say again what is known? It learns from the statements of snippets with something known; which of the known
texts it says again nobody labelled, so it is the one that looks most like it, found anew a few times. And no statement says
again what is known in other snippets, of which those nearest in meaning are told: a memory has many, and the likest counts.

The held-out snippets are passed over. Parts of the cross-validation are of whole snippets. Needs numpy and scikit-learn.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

HELD_OUT = "cases-heldout.jsonl"
KNOWN = ("RECALLED", "DUPLICATE")
PARTS, SEEDS, ROUNDS = 5, 3, 5
PENALTY, PENALTY_AGAIN = 1.0, 1.0
# What a pair with a text of another snippet counts for.
UNRELATED = 0.05
# Of words and pairs of words, those that stand in so many statements, and beside so many.
SEEN, SEEN_BESIDE = 3, 8
# The penalty holds back less what is larger: a vector's numbers are small, and there are many words.
MEANING, NGRAM, BESIDE = 1.0, 0.75, 0.3
# As in the product: KEPT of weigh.rs.
BOUNDS = (0.8, 1.0, 1.2, 1.4, 1.6, 1.8)
WEIGHTS = Path(__file__).resolve().parents[2] / "src/memory/extraction/weights.json"


def unit(vectors: list[list[int]]) -> np.ndarray:
    found = np.array(vectors, dtype=float)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1)


def seen(of_rows: list[list[str]], least: int) -> list[str]:
    counted = Counter(word for row in of_rows for word in row)
    return sorted(word for word, count in counted.items() if count >= least)


def present(of_rows: list[list[str]], names: list[str]) -> np.ndarray:
    place = {name: at for at, name in enumerate(names)}
    found = np.zeros((len(of_rows), len(names)))
    for at, row in enumerate(of_rows):
        found[at, [place[name] for name in row if name in place]] = 1
    return found


def logistic(x: np.ndarray, y: np.ndarray, penalty: float) -> LogisticRegression:
    return LogisticRegression(C=1 / penalty, max_iter=5000).fit(x, y)


class Worth:
    """Whether a statement is worth remembering."""

    def __init__(self, rows: list[dict]) -> None:
        self.signs = sorted({sign for row in rows for sign in row["signs"]})
        self.ngrams = seen([row["ngrams"] for row in rows], SEEN)
        self.beside = seen([row["beside"] for row in rows], SEEN_BESIDE)
        self.x = np.hstack([
            present([row["signs"] for row in rows], self.signs),
            NGRAM * present([row["ngrams"] for row in rows], self.ngrams),
            BESIDE * present([row["beside"] for row in rows], self.beside),
            MEANING * unit([row["meaning"] for row in rows]),
            MEANING * unit([row["around"] for row in rows]),
        ])
        self.y = np.array([row["expected"] for row in rows], dtype=float)
        self.teaches = np.array([row["refused"] not in KNOWN for row in rows])

    def fit(self, rows: np.ndarray, penalty: float) -> LogisticRegression:
        rows = rows & self.teaches
        return logistic(self.x[rows], self.y[rows], penalty)

    def weights(self, model: LogisticRegression) -> dict:
        lengths = [len(self.signs), len(self.ngrams), len(self.beside), len(model.coef_[0])]
        vectors = (lengths.pop() - sum(lengths)) // 2
        signs, ngrams, beside, meaning, around = np.split(model.coef_[0], np.cumsum([*lengths, vectors]))
        return {
            "nothing": round(float(model.intercept_[0]), 2),
            "signs": named(self.signs, signs),
            "words": named(self.ngrams + self.beside, np.concatenate([NGRAM * ngrams, BESIDE * beside])),
            "meaning": (MEANING * meaning).round(2).tolist(),
            "around": (MEANING * around).round(2).tolist(),
        }


class Again:
    """Whether a statement says again what is known."""

    def __init__(self, rows: list[dict]) -> None:
        self.signs = sorted({sign for row in rows for known in row["again"] + row["unrelated"] for sign in known})
        self.of = [self.table(row["again"]) for row in rows]
        self.unrelated = [self.table(row["unrelated"]) for row in rows]
        self.y = np.array([row["refused"] in KNOWN for row in rows], dtype=float)
        self.teaches = np.array([len(known) > 0 for known in self.of])

    def table(self, pairs: list[dict]) -> np.ndarray:
        return np.array([[pair[sign] for sign in self.signs] for pair in pairs]).reshape(len(pairs), len(self.signs))

    def fit(self, rows: np.ndarray) -> LogisticRegression:
        unrelated = np.vstack([self.unrelated[row] for row in np.nonzero(rows)[0]])
        rows = np.nonzero(rows & self.teaches)[0]
        y = np.concatenate([self.y[rows], np.zeros(len(unrelated))])
        weight = np.concatenate([np.ones(len(rows)), np.full(len(unrelated), UNRELATED)])
        likest = {row: int(self.of[row][:, self.signs.index("meaning")].argmax()) for row in rows}
        for _ in range(ROUNDS):
            x = np.vstack([np.array([self.of[row][likest[row]] for row in rows]), unrelated])
            model = LogisticRegression(C=1 / PENALTY_AGAIN, max_iter=5000).fit(x, y, sample_weight=weight)
            likest = {row: int(model.decision_function(self.of[row]).argmax()) for row in rows}
        return model

    def likelihood(self, model: LogisticRegression, row: int, among_many: bool) -> float:
        """Of the known texts of its snippet, or with those of all others."""
        pairs = np.vstack([self.of[row], self.unrelated[row]]) if among_many else self.of[row]
        return float(model.predict_proba(pairs)[:, 1].max()) if len(pairs) else 0.0

    def weights(self, model: LogisticRegression) -> dict:
        return {"nothing": round(float(model.intercept_[0]), 2), "signs": named(self.signs, model.coef_[0])}


def named(names: list[str], weights: np.ndarray) -> dict[str, float]:
    """The heaviest first; what weighs nothing is left out."""
    rounded = sorted(zip(weights.round(2).tolist(), names), key=lambda it: (-it[0], it[1]))
    return {name: weight for weight, name in rounded if weight}


def held_out(worth: Worth, again: Again, part: np.ndarray, penalty: float) -> np.ndarray:
    """What each statement weighs, and how likely it is known beside its own known texts and beside all, by what was fitted
    without its part."""
    found = np.zeros((3, len(part)))
    for number in np.unique(part):
        others, own = part != number, np.nonzero(part == number)[0]
        found[0, own] = worth.fit(others, penalty).decision_function(worth.x[own])
        model = again.fit(others)
        for at, among_many in ((1, False), (2, True)):
            found[at, own] = [again.likelihood(model, row, among_many) for row in own]
    return found


def told(y: np.ndarray, weight: np.ndarray, known: np.ndarray) -> str:
    """Precision and recall for each bound, as the gate decides."""
    cells = []
    for bound in BOUNDS:
        kept = (weight >= bound) & (known < 0.5)
        cells.append(f"{bound}: {y[kept].mean():.3f}, {y[kept].sum() / y.sum():.3f}")
    return "   ".join(cells)


def by_snippet(rows: list[dict], seed: int) -> np.ndarray:
    snippets = sorted({row["snippet"] for row in rows})
    part = dict(zip(snippets, np.random.default_rng(seed).integers(0, PARTS, len(snippets))))
    return np.array([part[row["snippet"]] for row in rows])


def cross_validate(rows: list[dict], worth: Worth, again: Again) -> None:
    print("bound: precision, recall of statements, by what was fitted on other snippets")
    for penalty in (0.5, 1, 2):
        found = np.hstack([held_out(worth, again, by_snippet(rows, seed), penalty) for seed in range(SEEDS)])
        y = np.concatenate([worth.y] * SEEDS)
        print(f"penalty {penalty}:                      {told(y, found[0], found[1])}", flush=True)
        print(f"penalty {penalty}, much else is known:  {told(y, found[0], found[2])}", flush=True)
    files = np.array([row["half"] for row in rows])
    weight, known, _ = held_out(worth, again, files, PENALTY)
    print("each file by what was fitted on the others")
    for file in np.unique(files):
        own = files == file
        print(f"{file}:   {told(worth.y[own], weight[own], known[own])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", type=Path)
    parser.add_argument("--write", action="store_true", help="write the weights")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.features.read_text().splitlines()]
    rows = [row for row in rows if row["half"] != HELD_OUT and not row["neutral"]]
    worth, again = Worth(rows), Again(rows)
    print(f"{len(rows)} statements, {int(worth.y.sum())} to keep, {int(again.y.sum())} known; "
          f"{len(worth.signs)} signs, {len(worth.ngrams)} words and pairs, "
          f"{len(worth.beside)} words beside")
    if not options.write:
        return cross_validate(rows, worth, again)
    all_rows = np.ones(len(rows), dtype=bool)
    fitted = {"worth": worth.weights(worth.fit(all_rows, PENALTY)), "again": again.weights(again.fit(all_rows))}
    # One number a line would be thousands of lines.
    WEIGHTS.write_text(json.dumps(fitted, ensure_ascii=False, separators=(",", ":")).replace("},", "},\n") + "\n")
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
