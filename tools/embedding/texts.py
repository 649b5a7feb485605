"""What the model is trained on: sentences of talk, of dictionaries and of sciences, and runs of neighbouring ones.

All may be used for anything by their licences. They come from repositories at a fixed commit and from one package;
none is kept in this project.
"""

import csv
import hashlib
import html
import importlib.util
import io
import json
import random
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from apart import APART

SEED = 1
# What is shorter tells nothing.
LEAST_LETTERS = 8
MOST_LETTERS = 1000
# Of passages too the meaning is compared, so a part of the texts are runs.
SENTENCES_OF_RUN = [2, 3, 4, 6, 8]
TURNS_OF_RUN = [2, 3, 4]

Document = list[str]


class Repository(NamedTuple):
    name: str
    commit: str
    licence: str


SELF_DIALOGUE = Repository("jfainberg/self_dialogue_corpus", "113a1b0ff10308f1227c13a4aaded9bc85577816", "BSD-3-Clause")
WORDNET = Repository("globalwordnet/english-wordnet", "d94538ad0df3d7a4c77837bde6af69d7a6592c32", "CC BY 4.0")
MEDQUAD = Repository("abachaa/MedQuAD", "577bd37b96c02d1833b2c9eed2de9f96964e96cb", "CC BY 4.0")
BIOMEDICAL = Repository("cambridgeltl/MTL-Bioinformatics-2016", "df0df02fae6dbb87d88ffcf323b9096528f06f84", "CC BY 4.0")
ARTICLES = Repository("elsevierlabs/OA-STM-Corpus", "0ed398ec9288fd8936a24f9486647ecfcbf2d972", "CC BY")
PLOS = Repository("PLOS/allofplos", "07fdeed848b2816a7fbf7da6418ef6e2076e1960", "CC BY, some CC0")
# Those of its corpora that are no parts of others and have sentences in the order of their texts.
CORPORA = (
    "AnatEM-IOB BC2GM-IOB BC5CDR-IOB BioNLP09-IOB BioNLP11EPI-IOB BioNLP11ID-IOB BioNLP13CG-IOB BioNLP13GE-IOB "
    "BioNLP13PC-IOB Ex-PTM-IOB GENIA-pos linnaeus-IOB"
).split()
# About an abstract: the corpora do not say where one ends.
SENTENCES_OF_ABSTRACT = 9


def git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = ["git", f"--git-dir={folder}", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def brought(sources: Path, repository: Repository) -> Path:
    """The repository at its commit, without a work tree."""
    folder = sources / repository.name.replace("/", "+")
    if not folder.exists():
        print(f"fetching {repository.name}", flush=True)
        subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
        git(folder, "fetch", "--depth=1", f"https://github.com/{repository.name}", repository.commit)
    return folder


def files(sources: Path, repository: Repository, pattern: str) -> Iterator[str]:
    folder = brought(sources, repository)
    names = git(folder, "ls-tree", "-r", "-z", "--name-only", repository.commit).decode().split("\0")
    names = [name for name in names if re.fullmatch(pattern, name)]
    wanted = "".join(f"{repository.commit}:{name}\n" for name in names).encode()
    answer, at = git(folder, "cat-file", "--batch", given=wanted), 0
    for _ in names:
        body = answer.index(b"\n", at) + 1
        size = int(answer[at:body].split()[-1])
        yield answer[body : body + size].decode("utf-8", "replace")
        at = body + size + 1


def sentences(text: str) -> Document:
    return re.split(r"(?<=[.!?])[\"')\]]?\s+(?=[\"'(\[]?[A-Z0-9])", " ".join(text.split()))


def chitchat(_: Path) -> Iterator[Document]:
    """Talk of students; the package chitchat-dataset, MIT. It is not imported: only its file is read."""
    found = importlib.util.find_spec("chitchat_dataset")
    if found is None or found.origin is None:
        raise SystemExit("chitchat-dataset is not installed. Next: see README.md.")
    told = json.loads((Path(found.origin).parent / "dataset.json").read_text("utf-8"))
    for conversation in told.values():
        yield [" ".join(message["text"] for message in turn) for turn in conversation["messages"]]


def self_dialogue(sources: Path) -> Iterator[Document]:
    """Conversations that one person wrote both sides of. Every other: they have few subjects."""
    for table in files(sources, SELF_DIALOGUE, r"corpus/.*\.csv"):
        for row in list(csv.DictReader(io.StringIO(table)))[::2]:
            places = sorted(int(name[15:]) for name in row if name and name.startswith("Answer.sentence"))
            yield [row[f"Answer.sentence{place}"] or "" for place in places]


def wordnet(sources: Path) -> Iterator[Document]:
    for text in files(sources, WORDNET, r"src/yaml/(noun|verb|adj|adv).*\.yaml"):
        for meaning in yaml.load(text, Loader=yaml.CSafeLoader).values():
            words = ", ".join(meaning["members"][:4])
            # A gloss tells what its words mean: with them and without them.
            for gloss in meaning.get("definition", []):
                yield [gloss]
                yield [f"{words}: {gloss}"]
            for example in meaning.get("example", []):
                yield [example if isinstance(example, str) else example["text"]]


def medquad(sources: Path) -> Iterator[Document]:
    """Questions on health, answered by institutes of the USA."""
    pair = re.compile(r"<Question[^>]*>(.*?)</Question>\s*<Answer>(.*?)</Answer>", re.S)
    for text in files(sources, MEDQUAD, r".*_QA/.*\.xml"):
        for question, answer in pair.findall(text):
            yield [html.unescape(question).replace(" ?", "?"), *sentences(html.unescape(answer))]


def biomedical(sources: Path) -> Iterator[Document]:
    """Abstracts, a word in each line and an empty one after each sentence. What blanks it has between punctuation
    makes no difference to the tokens."""
    for text in files(sources, BIOMEDICAL, rf"data/({'|'.join(CORPORA)})/(train|devel|test)\.tsv"):
        blocks = [block.splitlines() for block in text.split("\n\n")]
        lines = [" ".join(line.split("\t")[0] for line in block if line.strip()) for block in blocks]
        for start in range(0, len(lines), SENTENCES_OF_ABSTRACT):
            yield lines[start : start + SENTENCES_OF_ABSTRACT]


def articles(sources: Path) -> Iterator[Document]:
    for text in files(sources, ARTICLES, r"SimpleText/.*\.txt"):
        yield from (sentences(paragraph) for paragraph in text.split("\n") if len(paragraph) > 40)


def plos(sources: Path) -> Iterator[Document]:
    formulas = re.compile(r"<(back|table-wrap|disp-formula|inline-formula)\b.*?</\1>", re.S)
    paragraph = re.compile(r"<(p|article-title|title)\b[^>]*>(.*?)</\1>", re.S)
    for text in files(sources, PLOS, r"allofplos/starter_corpus/.*\.xml"):
        for _, inner in paragraph.findall(formulas.sub(" ", text)):
            yield sentences(html.unescape(re.sub("<[^>]+>", "", inner)))


# Each with how many neighbours make a run, and which share of them becomes a text of its own.
SOURCES = [
    (chitchat, TURNS_OF_RUN, 0.5),
    (self_dialogue, TURNS_OF_RUN, 0.3),
    (wordnet, TURNS_OF_RUN, 0.0),
    (medquad, SENTENCES_OF_RUN, 0.35),
    (biomedical, SENTENCES_OF_RUN, 0.6),
    (articles, SENTENCES_OF_RUN, 0.6),
    (plos, SENTENCES_OF_RUN, 0.6),
]


def key(text: str) -> str:
    """The same for texts that differ in blanks, case and punctuation only."""
    return hashlib.sha256(re.sub(r"\W+", "", text.lower()).encode()).hexdigest()[:10]


def new(documents: Iterable[Document], seen: set[str]) -> Iterator[Document]:
    for document in documents:
        kept = []
        for text in document:
            text = " ".join(text.split())[:MOST_LETTERS]
            if len(re.sub(r"\W+", "", text)) >= LEAST_LETTERS and (name := key(text)) not in seen:
                seen.add(name)
                kept.append(text)
        yield kept


def texts(sources: Path) -> list[str]:
    """All of them, in an order by chance that is the same each time."""
    dice = random.Random(SEED)
    seen = set(APART)
    out: list[str] = []
    for source, lengths, share in SOURCES:
        before = len(out)
        for document in new(source(sources), seen):
            out += document
            start = 0
            while start < len(document):
                run = document[start : start + dice.choice(lengths)]
                start += len(run)
                if len(run) > 1 and dice.random() < share:
                    out.append(" ".join(run)[:MOST_LETTERS])
        print(f"{source.__name__}: {len(out) - before} texts", flush=True)
    dice.shuffle(out)
    return out
