"""Processes that are measured: their processor time and memory as the kernel counts them, start and stop."""

import contextlib
import ctypes
import json
import os
import queue
import re
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

from .base import Failure

START_LIMIT_S = 60
STOP_LIMIT_S = 15
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def raise_file_limit() -> int:
    """Thousands of sockets need as many files in each process; what we start inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def tree(pid: int) -> list[int]:
    """The process and all below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents.setdefault(int(stat(int(folder.name))[1]), []).append(int(folder.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, at = [pid], 0
    while at < len(found):
        found += parents.get(found[at], [])
        at += 1
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and all below it, ended children among them.

    Of a process that lives this is its clock, to the nanosecond; /proc/PID/stat tells the same in hundredths."""
    total = 0.0
    for each in tree(pid):
        try:
            total += time.clock_gettime(~each << 3 | 2)
            fields = stat(each)
            total += (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ProcessLookupError):
            continue
    return total


def resident_mb(pid: int) -> float:
    total = 0
    for each in tree(pid):
        try:
            found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{each}/status").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(found[1]) if found else 0
    return total * 1024 / 1e6


def die_with_parent() -> None:
    """What is measured must not outlive us, even if we are killed with -9; a shell may have it ignore any other signal."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A command that prints where it listens, in a folder of its own."""

    def __init__(self, command: list, folder: Path, environment: dict, address: str,
                 limit: float = START_LIMIT_S) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(part) for part in command], cwd=folder, env=environment, text=True,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            start_new_session=True, preexec_fn=die_with_parent)
        try:
            self.address = self._address(address, f"{command[0]} did not listen", limit)
        except BaseException:
            # Nobody has it yet who could stop it.
            self.stop()
            raise

    def _address(self, pattern: str, problem: str, limit: float) -> str:
        lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        end = time.monotonic() + limit
        while True:
            try:
                line = lines.get(timeout=max(0.1, end - time.monotonic()))
            except queue.Empty:
                raise Failure(f"{problem} within {limit} s:\n{self.last_words()}") from None
            if line is None:
                self.process.wait()
                raise Failure(f"it ended ({self.process.returncode}): {self.last_words()}")
            if found := re.search(pattern, line):
                return found[1]

    def _read(self, lines: queue.Queue) -> None:
        for line in self.process.stdout:
            lines.put(line)
        lines.put(None)

    def last_words(self) -> str:
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-8:])

    def cpu(self) -> float:
        self._need_alive()
        return cpu_seconds(self.process.pid)

    def resident_mb(self) -> float:
        found = resident_mb(self.process.pid)
        self._need_alive(found > 0)
        return found

    def _need_alive(self, has_memory: bool = True) -> None:
        """What has ended has no memory and no clock: nothing, but that is no measurement. Memory goes a moment before."""
        if not has_memory or self.process.poll() is not None:
            raise Failure(f"it ended ({self.process.returncode}) under load: {self.last_words()}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Load:
    """A command of bench/load: settings go in as a line, answers come as lines."""

    def __init__(self, binary: Path, command: str, settings: dict) -> None:
        self.process = subprocess.Popen([binary, command], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.tell(settings)

    def tell(self, value: object) -> None:
        try:
            self.process.stdin.write(json.dumps(value) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def hear(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise self._ended()
        return json.loads(line)

    def _ended(self) -> Failure:
        self.process.wait()
        return Failure(f"the load ended: {self.process.stderr.read().strip()[-600:]}")

    def ask(self, value: object) -> dict:
        self.tell(value)
        return self.hear()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            # What could not be told is still to be written.
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
