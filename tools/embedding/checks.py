"""What the Rust side is checked against: classes of characters, token ids and vectors, all made by the Python
tokenizer and the written model, none typed in."""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer

import asset

SEED = 7
# Alphabets that random texts are drawn from: whole blocks, so that rare classes come up.
BLOCKS = [
    (0x00, 0x7F), (0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF),
    (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF),
    (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2100, 0x214F), (0x3000, 0x30FF), (0x4E00, 0x4FFF),
    (0xAC00, 0xACFF), (0xF900, 0xFAFF), (0xFE00, 0xFEFF), (0xFF00, 0xFFEF), (0x1F600, 0x1F64F), (0x20000, 0x200FF),
]


def classes(tokens: Tokenizer) -> dict[str, list[tuple[int, int]]]:
    """What the tokenizer does with each character between two letters: taken out, a word by itself, or part of
    the word (in no class). Blanks are those of Rust and need no table."""
    found: dict[str, list[tuple[int, int]]] = {"ERASED": [], "ALONE": []}
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or chr(code).isalnum() and code < 0x80:
            continue
        text = tokens.normalizer.normalize_str(f"a{chr(code)}b")
        pieces = [piece for piece, _ in tokens.pre_tokenizer.pre_tokenize_str(text)]
        if pieces == ["ab"]:
            name = "ERASED"
        elif len(pieces) >= 3:
            name = "ALONE"
        else:
            continue
        ranges = found[name]
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return found


def write_classes(target: Path, tokens: Tokenizer) -> None:
    lines = ["// Made by tools/embedding/distil.py --derive out of the teacher's tokenizer: not to be edited.", ""]
    for name, ranges in classes(tokens).items():
        lines += [f"#[rustfmt::skip]\npub(super) static {name}: &[(u32, u32)] = &["]
        entries = [f"(0x{first:x}, 0x{last:x})," for first, last in ranges]
        lines += ["    " + " ".join(entries[start : start + 5]) for start in range(0, len(entries), 5)]
        lines += ["];", ""]
    (target / "characters.rs").write_text("\n".join(lines[:-1]) + "\n", "utf-8")


def texts(words: list[str]) -> list[str]:
    """A mix of words of the vocabulary, made-up words, and characters of all kinds."""
    dice = random.Random(SEED)
    made = ["", " ", "Hello, World!", "don't", "naïve café CAFÉ", "東京が好き", "x" * 101, "x" * 100, "[CLS] [UNK]"]
    while len(made) < 400:
        parts = []
        for _ in range(dice.randrange(1, 8)):
            first, last = dice.choice(BLOCKS)
            parts.append(
                dice.choice(
                    [
                        lambda: dice.choice(words),
                        lambda: dice.choice(words).title() + dice.choice(words),
                        lambda: "".join(chr(dice.randint(first, last)) for _ in range(dice.randrange(1, 6))),
                    ]
                )()
            )
        made.append(dice.choice([" ", " ", "", "-"]).join(parts))
    return made


def write_checks(target: Path, tokens: Tokenizer) -> None:
    write_classes(target, tokens)
    words = [word.removeprefix("##") for word in sorted(tokens.get_vocab()) if not word.startswith("[")]
    some = texts(words)
    vectors = asset.Model(target, tokens).embed(some)
    lines = []
    for index, (text, read) in enumerate(zip(some, tokens.encode_batch(some, add_special_tokens=False))):
        # Of every tenth the vector too: the file stays small.
        vector = vectors[index].tolist() if index % 10 == 0 else None
        lines.append(json.dumps({"text": text, "tokens": read.ids, "vector": vector}, separators=(",", ":")))
    (target / "checks.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
