"""The product's ranking (src/memory/rank) in numpy: the same formulas over the same assets, with its numbers read
from parameters.rs, so that a part can be taken out or changed and measured in seconds."""

import re
import struct
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "embedding"))

import asset
from dates import TELLING, asks_when
from dates import asked as asked_dates
from dates import share as share_of_date
from teacher import tokenizer
from terms import stem, terms

PARAMETERS = {
    name: float(value)
    for name, value in re.findall(
        r"pub const (\w+): f32 = ([\d.]+);", (ROOT / "src/memory/rank/parameters.rs").read_text("utf-8")
    )
}
EMBEDDING = ROOT / "src" / "memory" / "embedding"
MODEL = asset.Model(EMBEDDING, tokenizer())


def read_related() -> dict[str, list[tuple[str, float]]]:
    words = (EMBEDDING / "vocabulary.txt").read_text("utf-8").splitlines()
    body, at, found = (EMBEDDING / "related.bin").read_bytes(), 0, {}
    while at < len(body):
        token, count = struct.unpack_from("<HB", body, at)
        pairs = [struct.unpack_from("<HB", body, at + 3 + 3 * index) for index in range(count)]
        found[stem(words[token])] = [(stem(words[other]), near / 255) for other, near in pairs]
        at += 3 + 3 * count
    return found


RELATED = read_related()


def counted(words: list[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for word in words:
        out[word] = out.get(word, 0) + 1
    return out


def joined(all_counts: list[dict[str, int]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for counts in all_counts:
        for word, count in counts.items():
            out[word] = out.get(word, 0) + count
    return out


class Documents:
    """One sort of documents, for BM25."""

    def __init__(self, documents: list[dict[str, int]]) -> None:
        self.count = len(documents)
        self.lengths = np.array([sum(counts.values()) for counts in documents], float)
        self.average = max(1.0, self.lengths.mean())
        postings: dict[str, tuple[list[int], list[int]]] = {}
        for place, counts in enumerate(documents):
            for word, count in counts.items():
                places, frequencies = postings.setdefault(word, ([], []))
                places.append(place)
                frequencies.append(count)
        self.postings = {w: (np.array(p), np.array(f, float)) for w, (p, f) in postings.items()}
        self.known: dict[tuple[str, float, float, float], np.ndarray | None] = {}

    def of_word(self, word: str, p: dict[str, float]) -> np.ndarray | None:
        key = (word, p["RELATED"], p["K1"], p["B"])
        if key not in self.known:
            self.known[key] = self.compute(word, p)
        return self.known[key]

    def compute(self, word: str, p: dict[str, float]) -> np.ndarray | None:
        frequency = np.zeros(self.count)
        others = RELATED.get(word, []) if p["RELATED"] else []
        own = len(self.postings[word][0]) if word in self.postings else 0
        for other, near in [(word, None), *others]:
            if other in self.postings:
                places, frequencies = self.postings[other]
                frequency[places] += frequencies * (1 if near is None else round(p["RELATED"] * near * 256) / 256)
        holding = own or int((frequency > 0).sum())
        if not holding:
            return None
        rarity = np.log(1 + (self.count - holding + 0.5) / (holding + 0.5))
        norm = p["K1"] * (1 - p["B"] + p["B"] * self.lengths / self.average)
        return rarity * frequency * (p["K1"] + 1) / (frequency + norm)

    def score(self, query: list[str], p: dict[str, float]) -> np.ndarray:
        total = np.zeros(self.count)
        for word in query:
            of_word = self.of_word(word, p)
            if of_word is not None:
                total += of_word
        return total


def shared(scores: np.ndarray) -> np.ndarray:
    best = scores.max(initial=0)
    return scores / best if best > 0 else np.zeros_like(scores)


class Corpus:
    """Entries in the order of their collections; each a dict with text, and where there is one speaker, collection
    and date."""

    def __init__(self, entries: list[dict]) -> None:
        count = len(entries)
        self.entries = entries
        words = [counted(terms(e["text"]) + terms(e.get("speaker") or "")) for e in entries]
        names = [e.get("collection") for e in entries]
        self.previous = np.array([i - 1 if i and names[i] and names[i - 1] == names[i] else -1 for i in range(count)])
        self.next = np.array([i + 1 if i + 1 < count and names[i] and names[i + 1] == names[i] else -1 for i in range(count)])
        self.names = sorted({name for name in names if name})
        place = {name: index for index, name in enumerate(self.names)}
        self.collection = np.array([place.get(name, -1) for name in names])
        windows = [joined([words[j] for j in (self.previous[i], i, self.next[i]) if j >= 0]) for i in range(count)]
        members: list[list[dict[str, int]]] = [[] for _ in self.names]
        for index, own in zip(self.collection, words):
            if index >= 0:
                members[index].append(own)
        self.words, self.windows = Documents(words), Documents(windows)
        self.collections = Documents([joined(of) for of in members]) if members else None
        telling = set(terms(TELLING))
        self.telling = np.array([not telling.isdisjoint(own) for own in words])
        self.spoken: dict[str, np.ndarray] = {}
        for index, entry in enumerate(entries):
            for word in terms(entry.get("speaker") or ""):
                self.spoken.setdefault(word, np.zeros(count, bool))[index] = True
        self.vectors = MODEL.embed([e["text"] for e in entries]).astype(np.float32)

    def neighbour(self, scores: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.where(places >= 0, scores[places], 0)

    def rank(self, query: str, p: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Scores of entries and of collections."""
        asked = sorted(set(terms(query)))
        product = self.vectors @ MODEL.embed([query])[0].astype(np.float32) / 127**2
        above = product.max() - p["UNLIKE"]
        meaning = np.where(product > p["UNLIKE"], (product - p["UNLIKE"]) / above, 0) if above > 0 else product * 0
        own = p["WORDS"] * shared(self.words.score(asked, p)) + p["MEANING"] * meaning
        if p["WINDOW"]:
            own = own + p["WINDOW"] * shared(self.windows.score(asked, p))
        score = own + p["PREVIOUS"] * self.neighbour(own, self.previous) + p["NEXT"] * self.neighbour(own, self.next)
        dates = asked_dates(query)
        if dates and p["DATED"]:
            of_date: dict = {}
            for e in self.entries:
                date = e.get("date")
                if date is not None and date not in of_date:
                    of_date[date] = share_of_date(dates, date)
            score = score + p["DATED"] * np.array([of_date.get(e.get("date"), 0) for e in self.entries])
        if asks_when(query):
            score = score + p["TELLS_WHEN"] * self.telling
        speaking = [self.spoken[word] for word in asked if word in self.spoken]
        spoken = p["SPOKEN"] * np.logical_or.reduce(speaking) if speaking else 0
        if self.collections is None:
            return score + spoken, np.zeros(0)
        whole = shared(self.collections.score(asked, p))
        score = score + p["TO_ENTRY"] * np.where(self.collection >= 0, whole[self.collection], 0)
        # Who says it tells lines apart, not conversations: all who take part are in each.
        best = np.full(len(self.names), -np.inf)
        np.maximum.at(best, self.collection[self.collection >= 0], score[self.collection >= 0])
        return score + spoken, best + p["TO_COLLECTION"] * whole
