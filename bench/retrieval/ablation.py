#!/usr/bin/env python3
"""What each part of the ranking is worth: prints a table. See README.md.

    python3 ablation.py FOLDER               LoCoMo: locomo-turns.jsonl, locomo-questions.jsonl
    python3 ablation.py FOLDER --passages    SciFact: scifact-corpus.jsonl, scifact-queries-train.jsonl
    … --vary                                 each number by itself, halved and raised by half
"""

import argparse
import datetime
import json
from pathlib import Path

import numpy as np

from recipe import PARAMETERS, Corpus

SOLE = {"MEANING": 0.0, "WINDOW": 0.0, "PREVIOUS": 0.0, "NEXT": 0.0, "TO_ENTRY": 0.0, "TO_COLLECTION": 0.0, "RELATED": 0.0, "DATED": 0.0, "TELLS_WHEN": 0.0, "SPOKEN": 0.0}
# Each with all parts above it.
STEPS = [
    ("BM25 of the turn's words and speaker", []),
    ("+ meaning (vectors)", ["MEANING"]),
    ("+ neighbouring turns", ["PREVIOUS", "NEXT"]),
    ("+ words of the window of three", ["WINDOW"]),
    ("+ words of the collection", ["TO_ENTRY", "TO_COLLECTION"]),
    ("+ words that say nearly the same", ["RELATED"]),
    ("+ dates that the query names", ["DATED"]),
    ("+ words of time where it asks when", ["TELLS_WHEN"]),
    ("+ who says it, where the query names them", ["SPOKEN"]),
]
SETTINGS = dict[str, float]


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class Conversations:
    heads = ["session hit@1", "session R@10", "turn R@5", "turn R@10"]

    def __init__(self, folder: Path) -> None:
        entries = [
            {
                "id": (turn["conversation"], turn["id"]),
                "conversation": turn["conversation"],
                "text": turn["text"],
                "speaker": turn["speaker"],
                "collection": f"{turn['conversation']}/{turn['session']}",
                "date": datetime.datetime.strptime(turn["at"].split(" on ")[1], "%d %B, %Y").date(),
            }
            for turn in lines(folder / "locomo-turns.jsonl")
        ]
        # As `aifirst eval retrieval` has it: all conversations in one workspace, each asked by its prefix.
        self.corpus = Corpus(entries)
        self.conversation = np.array([entry["conversation"] for entry in entries])
        self.ids = [entry["id"] for entry in entries]
        self.prefixes = np.array([name.split("/")[0] for name in self.corpus.names])
        self.questions = lines(folder / "locomo-questions.jsonl")
        # Whether a part helps all of them, or only on the whole.
        self.heads = self.heads + [f"R@10 {name}" for name in sorted(set(self.conversation.tolist()))]

    def measure(self, p: SETTINGS) -> np.ndarray:
        return np.array([self.of_question(question, p) for question in self.questions])

    def of_question(self, question: dict, p: SETTINGS) -> list[float]:
        scores, of_collections = self.corpus.rank(question["question"], p)
        mine = np.nonzero(self.conversation == question["conversation"])[0]
        best = mine[np.argsort(-scores[mine], kind="stable")][:10]
        evidence = {(question["conversation"], turn) for turn in question["evidence"]}
        right = [self.ids[place] in evidence for place in best]
        answering = {c for i, c in zip(self.ids, self.corpus.collection) if i in evidence}
        mine = np.nonzero(self.prefixes == question["conversation"])[0]
        best = mine[np.argsort(-of_collections[mine], kind="stable")][:10]
        sessions = [place in answering for place in best]
        known = max(1, len(answering))
        return [sessions[0], sum(sessions) / known, sum(right[:5]) / len(evidence), sum(right) / len(evidence)]

    def cells(self, measured: np.ndarray) -> np.ndarray:
        names = np.array([question["conversation"] for question in self.questions])
        each = [measured[names == name, 3].mean() for name in sorted(set(names))]
        return np.concatenate([measured.mean(0), each])


class Passages:
    heads = ["nDCG@10"]

    def __init__(self, folder: Path) -> None:
        passages = lines(folder / "scifact-corpus.jsonl")
        self.ids = [passage["id"] for passage in passages]
        self.corpus = Corpus([{"text": f"{passage['title']}\n{passage['text']}"} for passage in passages])
        self.queries = lines(folder / "scifact-queries-train.jsonl")

    def measure(self, p: SETTINGS) -> np.ndarray:
        return np.array([self.of_query(query, p) for query in self.queries])

    def of_query(self, query: dict, p: SETTINGS) -> list[float]:
        scores, _ = self.corpus.rank(query["query"], p)
        relevant = set(query["relevant"])
        gains = 1 / np.log2(np.arange(2, 12))
        hits = [self.ids[place] in relevant for place in np.argsort(-scores, kind="stable")[:10]]
        return [float(gains[: len(hits)] @ hits / gains[: len(relevant)].sum())]

    def cells(self, measured: np.ndarray) -> np.ndarray:
        return measured.mean(0)


def row(name: str, cells: np.ndarray) -> None:
    print(f"| {name} | " + " | ".join(f"{value:.3f}".lstrip("0") for value in cells) + " |", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--passages", action="store_true")
    options.add_argument("--vary", action="store_true")
    given = options.parse_args()
    tasks = (Passages if given.passages else Conversations)(given.folder)
    print("| | " + " | ".join(tasks.heads) + " |\n|---" + "|---" * len(tasks.heads) + "|")
    if given.vary:
        for name, value in PARAMETERS.items():
            for factor in (0.5, 1.5):
                row(f"{name} {value * factor:g}", tasks.cells(tasks.measure(PARAMETERS | {name: value * factor})))
        return
    settings = PARAMETERS | SOLE
    for name, added in STEPS:
        settings |= {parameter: PARAMETERS[parameter] for parameter in added}
        measured = tasks.measure(settings)
        row(name, tasks.cells(measured))


if __name__ == "__main__":
    main()
