"""Stacks of a server, and how often each was seen: by `perf` where it counts, else by a library that the server loads."""

import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

from .base import BENCH, Failure, build, output, say
from .process import Process

RATE = 99
WRITTEN_LIMIT_S = 60


class Sampler(Protocol):
    name: str
    """With what the server is to be started."""
    environment: dict[str, str]

    def stacks(self, process: Process, seconds: float) -> Counter: ...


def usable(folder: Path) -> Sampler:
    perf = Perf(folder)
    if (why := perf.why_not()) is None:
        return perf
    say(f"{why}: bench/sampler samples instead")
    return Library(folder)


class Perf:
    name = "perf"
    environment: dict[str, str] = {}

    def __init__(self, folder: Path) -> None:
        self.file = folder / "perf"

    def _record(self, *what: str) -> subprocess.CompletedProcess:
        # Stacks by what unwinds panics: the release has no frame pointers. Its names are in its symbols.
        return subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(RATE), "--call-graph", "dwarf,16384",
                               "-o", str(self.file), *what], capture_output=True, text=True)

    def why_not(self) -> str | None:
        if not shutil.which("perf"):
            return "perf is not in PATH"
        return "perf does not count here" if self._record("--", "true").returncode else None

    def stacks(self, process: Process, seconds: float) -> Counter:
        done = self._record("-p", str(process.process.pid), "--", "sleep", str(seconds))
        if done.returncode != 0:
            raise Failure(f"perf does not count here: {done.stderr.strip()[-300:]}")
        stacks: Counter = Counter()
        for sample in output(["perf", "script", "--no-inline", "-i", str(self.file), "-F", "ip,sym"]).split("\n\n"):
            names = [self._name(line) for line in sample.splitlines() if re.match(r"\s*[0-9a-f]+ ", line)]
            if names:
                stacks[tuple(reversed(names))] += 1
        return stacks

    @staticmethod
    def _name(line: str) -> str:
        """Of a frame, without the hash of the build and without what only wraps."""
        text = line.split(None, 1)[1].strip()
        return re.sub(r"::h[0-9a-f]{16}|\+0x[0-9a-f]+$", "", text)


class Library:
    """`bench/sampler`. What its process does inside of the kernel counts for the function that asked for it."""
    name = "bench/sampler"

    def __init__(self, folder: Path) -> None:
        library = build(BENCH, "--package", "aifirst-bench-sampler") / "libaifirst_bench_sampler.so"
        self.folder = folder
        self.environment = {"LD_PRELOAD": str(library), "BENCH_SAMPLES": str(folder)}

    def stacks(self, process: Process, seconds: float) -> Counter:
        sampling, written = self.folder / "sampling", self.folder / "stacks"
        sampling.touch()
        time.sleep(seconds)
        sampling.unlink()
        end = time.monotonic() + WRITTEN_LIMIT_S
        while not written.exists():
            if time.monotonic() > end or process.process.poll() is not None:
                raise Failure(f"bench/sampler wrote no stacks: {process.last_words()}")
            time.sleep(0.1)
        stacks: Counter = Counter()
        for line in written.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            stacks[tuple(stack.split(";"))] += int(count)
        return stacks
