"""Texts to terms, as src/memory/terms.rs cuts them: folded, lowered, stemmed, without its stop words (which are
read from that file)."""

import re
import unicodedata
from functools import cache
from pathlib import Path

import snowballstemmer

SOURCE = Path(__file__).resolve().parents[2] / "src" / "memory" / "terms.rs"
APOSTROPHES = "'\u2019\u02bc"


def stop_words() -> set[str]:
    source = re.sub(r"\\\n\s*", "", SOURCE.read_text("utf-8"))

    def named(name: str) -> list[str]:
        return re.search(rf"let {name} = \[?\"?(.*?)\"?\]?;", source, re.S)[1].replace('"', "").replace(",", " ").split()

    contracted, ambiguous = named("contracted"), named("ambiguous")
    bare = {word.replace("'", "") for word in contracted} - set(ambiguous)
    return set(named("words")) | set(contracted) | bare


STOP_WORDS = stop_words()
STEMMER = snowballstemmer.stemmer("english")


def is_accent(letter: str) -> bool:
    return "\u0300" <= letter <= "\u036f" or letter in "\u3099\u309a"


def is_word_by_itself(letter: str) -> bool:
    return "\u3041" <= letter <= "\u30ff" or "\u3400" <= letter <= "\u9fff" or letter >= "\U00020000"


def words(text: str) -> list[str]:
    letters = [c for c in unicodedata.normalize("NFKD", text).lower() if not is_accent(c)]
    out, word = [], ""
    for index, letter in enumerate(letters):
        following = letters[index + 1] if index + 1 < len(letters) else " "
        if is_word_by_itself(letter):
            out += [word, letter]
            word = ""
        elif letter.isalnum() or unicodedata.category(letter)[0] == "M":
            word += letter
        elif letter in APOSTROPHES and word and following.isalpha():
            word += "'"
        else:
            out.append(word)
            word = ""
    out.append(word)
    return [word[:64] for word in out if word]


@cache
def stem(word: str) -> str:
    return STEMMER.stemWord(word)


def terms(text: str) -> list[str]:
    return [stem(word) for word in words(text) if word not in STOP_WORDS]
