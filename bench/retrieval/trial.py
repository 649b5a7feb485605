#!/usr/bin/env python3
"""Holds changes of the ranking against the ranking as it is, question by question: prints what each gives, and how likely its
difference is by chance (paired bootstrap, two-sided). See README.md.

    python3 trial.py FOLDER               LoCoMo: what to make of phrases between quotation marks
    python3 trial.py FOLDER --passages    SciFact, as documents: what to make of titles
    python3 trial.py FOLDER --chunks      SciFact, as documents that are cut: what to make of what stands beside a chunk
"""

import argparse
import re
from pathlib import Path

import numpy as np

from ablation import Conversations, Passages, lines
from recipe import PARAMETERS, Corpus, Documents, counted, shared
from terms import stem, terms, words

SAMPLES = 10_000


class Titled(Passages):
    """As `aifirst eval retrieval --corpus` has it: each passage is a document, with a title and a collection of its own."""

    def __init__(self, folder: Path, titles: int = 1, weight: float = 0.0, collections: bool = True) -> None:
        """`titles`: how often the title's words count; `weight`: what they are worth as a document of their own."""
        passages = lines(folder / "scifact-corpus.jsonl")
        self.ids = [passage["id"] for passage in passages]
        entries = [
            {
                "text": f"{passage['title']}\n{passage['text']}",
                # What is said by somebody counts among the words, and not for the vector.
                "speaker": " ".join([passage["title"]] * (titles - 1)),
                "collection": passage["id"] if collections else None,
            }
            for passage in passages
        ]
        self.corpus = Corpus(entries)
        self.corpus.spoken.clear()
        self.titles = Documents([counted(terms(passage["title"])) for passage in passages]) if weight else None
        self.weight = weight
        self.queries = lines(folder / "scifact-queries-train.jsonl")

    def of_query(self, query: dict, p: dict[str, float]) -> list[float]:
        rank = self.corpus.rank
        if self.titles:
            of_titles = self.weight * shared(self.titles.score(sorted(set(terms(query["query"]))), p))
            self.corpus.rank = lambda *given: (rank(*given)[0] + of_titles, None)
        measured = super().of_query(query, p)
        self.corpus.rank = rank
        return measured


class Chunked(Passages):
    """Cut as documents are, about: at the end of a sentence. A passage stands where its best chunk does."""

    LENGTH = 2400

    def __init__(self, folder: Path) -> None:
        entries = []
        for passage in lines(folder / "scifact-corpus.jsonl"):
            chunks = [f"{passage['title']}\n{chunk}" for chunk in self.cut(passage["text"])]
            entries += [{"text": chunk, "collection": passage["id"]} for chunk in chunks]
        self.ids = [entry["collection"] for entry in entries]
        self.corpus = Corpus(entries)
        self.queries = lines(folder / "scifact-queries-train.jsonl")

    def cut(self, text: str) -> list[str]:
        chunks = []
        while len(text) > self.LENGTH:
            end = text.rfind(". ", 0, self.LENGTH) + 2
            end = end if end > 1 else self.LENGTH
            chunks.append(text[:end])
            text = text[end:]
        return [*chunks, text]

    def of_query(self, query: dict, p: dict[str, float]) -> list[float]:
        scores, _ = self.corpus.rank(query["query"], p)
        best = list(dict.fromkeys(self.ids[place] for place in np.argsort(-scores, kind="stable")[:100]))[:10]
        relevant = set(query["relevant"])
        gains = 1 / np.log2(np.arange(2, 12))
        hits = [passage in relevant for passage in best]
        return [float(gains[: len(hits)] @ hits / gains[: len(relevant)].sum())]


def forms(text: str) -> list[str]:
    return [stem(word) for word in words(text)]


def holds(text: list[str], phrase: list[str]) -> bool:
    return any(text[at : at + len(phrase)] == phrase for at in range(len(text) - len(phrase) + 1))


class Quoting(Conversations):
    """What holds a phrase of the question word for word gets so much."""

    def __init__(self, folder: Path, bonus: float) -> None:
        super().__init__(folder)
        self.questions = [question for question in self.questions if phrases(question["question"])]
        texts = [forms(entry["text"]) for entry in self.corpus.entries]
        rank = self.corpus.rank

        def quoted(query: str, p: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
            scores, collections = rank(query, p)
            held = np.array([sum(holds(text, phrase) for phrase in phrases(query)) for text in texts])
            best = np.zeros(len(self.corpus.names))
            np.maximum.at(best, self.corpus.collection, held)
            return scores + bonus * held, collections + bonus * best

        self.corpus.rank = quoted


def phrases(query: str) -> list[list[str]]:
    return [forms(phrase) for phrase in re.findall('"([^"]+)"', query)]


def chance(differences: np.ndarray) -> float:
    """How often a mean on the other side of nothing comes out of questions drawn anew, twice."""
    drawn = np.random.default_rng(0).integers(0, len(differences), (SAMPLES, len(differences)))
    means = differences[drawn].mean(1)
    return min(1.0, 2 * min((means <= 0).mean(), (means >= 0).mean()))


def show(name: str, measured: np.ndarray, base: np.ndarray) -> None:
    cells = [f"{new.mean():.4f} (p {chance(new - old):.3f})" for new, old in zip(measured.T, base.T)]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--passages", action="store_true")
    options.add_argument("--chunks", action="store_true")
    given = options.parse_args()
    if given.chunks:
        trials = {"neighbours": {}, "no neighbours": {"PREVIOUS": 0, "NEXT": 0}}
        trials["no neighbours, no window"] = trials["no neighbours"] | {"WINDOW": 0}
        task = Chunked(given.folder)
        base = task.measure(PARAMETERS)
        for name, over in trials.items():
            show(name, task.measure(PARAMETERS | over), base)
        return
    if given.passages:
        trials = {"as it is": {}, "without collections": {"collections": False}}
        trials |= {f"titles count {times} times": {"titles": times} for times in (2, 3, 4)}
        trials |= {f"titles by themselves, worth {weight}": {"weight": weight} for weight in (0.1, 0.2, 0.4)}
        tasks = {name: (lambda trial=trial: Titled(given.folder, **trial)) for name, trial in trials.items()}
    else:
        tasks = {f"a phrase is worth {bonus}": (lambda bonus=bonus: Quoting(given.folder, bonus)) for bonus in (0, 0.3, 1, 100)}
    base = None
    for name, task in tasks.items():
        task = task()
        if base is None:
            print("| | " + " | ".join(task.heads) + " |\n|---" + "|---" * len(task.heads) + "|")
        measured = task.measure(PARAMETERS)
        base = measured if base is None else base
        show(name, measured, base)


if __name__ == "__main__":
    main()
