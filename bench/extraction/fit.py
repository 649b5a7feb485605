#!/usr/bin/env python3
"""Fit the weights of src/memory/extraction/weigh.rs on the labelled snippets, and foretell how good they will be.

    SIGNS=1 cargo test --lib extraction::evaluation -- --nocapture --test-threads 1 | grep '^{"' > signs.jsonl
    bench/extraction/fit.py signs.jsonl              cross-validation for each strength of the penalty
    bench/extraction/fit.py signs.jsonl --penalty 3  the weights, written into the source

A statement is one to keep where it stands over an expected quote, none where it stands over a refused one or in a snippet
of which nothing is expected; others teach nothing. What repeats something known is left out: the gate sees that, and by
itself it looks like any other memory. Parts of the cross-validation are of whole snippets. Needs numpy and scikit-learn.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

KNOWN = ("RECALLED", "DUPLICATE")
PARTS, SEEDS = 5, 5
# A longer vector is held back less by the penalty.
MEANING = 2
EXTRACTION = Path(__file__).resolve().parents[2] / "src/memory/extraction"


def read(file: Path, halves: list[str] | None) -> list[dict]:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows = [row for row in rows if not halves or row["half"] in halves]
    return [row for row in rows if not row["neutral"] and row["refused"] not in KNOWN]


def table(rows: list[dict], names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    place = {name: at for at, name in enumerate(names)}
    x = np.zeros((len(rows), len(names)))
    for at, row in enumerate(rows):
        for sign in row["signs"]:
            if sign in place:
                x[at, place[sign]] = 1
    meaning = np.array([row["vector"] for row in rows], dtype=float)
    meaning /= np.maximum(np.linalg.norm(meaning, axis=1, keepdims=True), 1)
    return np.hstack([x, MEANING * meaning]), np.array([row["expected"] for row in rows], dtype=float)


def fitted(x: np.ndarray, y: np.ndarray, penalty: float) -> LogisticRegression:
    return LogisticRegression(C=1 / penalty, max_iter=2000).fit(x, y)


def held_out(rows: list[dict], x: np.ndarray, y: np.ndarray, penalty: float, seed: int) -> np.ndarray:
    """What each statement weighs by weights that were fitted without its snippet."""
    snippets = sorted({row["snippet"] for row in rows})
    part = dict(zip(snippets, np.random.default_rng(seed).integers(0, PARTS, len(snippets))))
    of = np.array([part[row["snippet"]] for row in rows])
    scores = np.zeros(len(rows))
    for number in range(PARTS):
        scores[of == number] = fitted(x[of != number], y[of != number], penalty).decision_function(x[of == number])
    return scores


def recall_at(precision: float, scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The share of the statements to keep that are kept at the lowest bound with this precision, and that bound."""
    order = np.argsort(-scores)
    right = np.cumsum(y[order])
    good = np.nonzero(right / np.arange(1, len(y) + 1) >= precision)[0]
    return (right[good[-1]] / y.sum(), scores[order][good[-1]]) if len(good) else (0.0, np.inf)


def write(model: LogisticRegression, names: list[str]) -> None:
    """The weights into weigh.rs, those of the meaning into meaning.rs."""
    weights = model.coef_[0]
    signs = sorted(zip(weights, names), reverse=True)
    lines = "".join(f'    ("{name}", {weight:.2f}),\n' for weight, name in signs)
    file = EXTRACTION / "weigh.rs"
    text = file.read_text()
    begin = text.index("const WEIGHTS: &[(&str, f64)] = &[\n")
    begin, end = text.index("\n", begin) + 1, text.index("];", begin)
    text = text[:begin] + lines + text[end:]
    text = re.sub(r"const NOTHING: f64 = [^;]*;", f"const NOTHING: f64 = {model.intercept_[0]:.2f};", text)
    file.write_text(text)
    hundredths = [f"{100 * MEANING * weight:.0f}" for weight in weights[len(names):]]
    rows = "".join("    " + ", ".join(hundredths[at:at + 16]) + ",\n" for at in range(0, len(hundredths), 16))
    file = EXTRACTION / "meaning.rs"
    text = file.read_text()
    begin = text.index("const HUNDREDTHS")
    begin, end = text.index("\n", begin) + 1, text.index("];", begin)
    file.write_text(text[:begin] + rows + text[end:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("signs", type=Path)
    parser.add_argument("--half", action="append", metavar="FILE", help="only the snippets of this file (repeat)")
    parser.add_argument("--penalty", type=float, help="fit with this strength and write the weights")
    options = parser.parse_args()
    rows = read(options.signs, options.half)
    names = sorted({sign for row in rows for sign in row["signs"]})
    x, y = table(rows, names)
    print(f"{len(rows)} statements, {int(y.sum())} to keep, {len(names)} signs")
    for penalty in [options.penalty] if options.penalty else [0.5, 1, 2, 3, 5, 8, 12]:
        found = [recall_at(0.9, held_out(rows, x, y, penalty, seed), y) for seed in range(SEEDS)]
        recalls, bounds = zip(*found)
        print(f"penalty {penalty}: at a precision of .9 keeps {np.mean(recalls):.3f} ± {np.std(recalls):.3f}, "
              f"bound {np.mean(bounds):.2f}")  # KEPT in weigh.rs
    if options.penalty:
        write(fitted(x, y, options.penalty), names)


if __name__ == "__main__":
    main()
