"""`bench/run regress BASE`: instructions of each operation, here and at another commit, by function.

The server runs under callgrind on SQLite in memory's stead: a file in /dev/shm. One client asks one request after the
other, so many and then three times as many; the difference between the two has neither the start nor what a
dump costs in it. Instructions do not depend on what else the machine does, so a busy one will do."""

import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from . import servers
from .base import BENCH, ROOT, Failure, build, built, commit, output, say
from .data import World, fill_sqlite, now_ms
from .operations import EXPECTED, OPERATIONS, write_requests
from .process import Load, Process

COUNTS = {"pointRead": 120, "mutation": 60}
"""Requests of the smaller run; the larger has three times as many. More where one takes little: what the server does by
the clock is in there, too."""
COUNT = 30
WARM = 60
START_LIMIT_S = 300
"""It is some fifty times slower than by itself."""
LIMIT = 0.03
SHOWN = 15


def run(base: str, binary: Path | None, base_binary: Path | None, operations: list[str], top: int) -> int:
    for tool in ("valgrind", "git"):
        if not shutil.which(tool):
            raise Failure(f"{tool} is not in PATH. Next: install it (Debian: {tool}).")
    name = named(base)
    load = built(BENCH, "load", "reference") / "aifirst-bench-load"
    head = binary if binary else build(ROOT, "--bin", "aifirst") / "aifirst"
    with tempfile.TemporaryDirectory(prefix="aifirst-regress-", dir=memory()) as scratch:
        folder, at = Path(scratch), now_ms()
        other = base_binary if base_binary else built_at(base, name, folder / "tree")
        costs = {}
        # A branch may be called anything, even what the other is called here.
        for place, of, program in (("base", base, other), ("head", "here", head)):
            say(f"counting the instructions of {of}")
            costs[place] = measure(program, load, folder / place, at, operations)
    here = f"{binary.name}, which was given" if binary else f"here ({commit()})"
    return report(base, here, costs["base"], costs["head"], operations, top)


def memory() -> Path | None:
    shm = Path("/dev/shm")
    return shm if shm.is_dir() else None


def named(base: str) -> str:
    """The commit's full name."""
    try:
        return output(["git", "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}"], cwd=ROOT).strip()
    except Failure:
        raise Failure(f"no such commit: {base}. Next: name a commit, branch or tag of this clone.") from None


def built_at(base: str, name: str, tree: Path) -> Path:
    """The server of another commit, in a work tree of its own that goes again; what it stands on stays built."""
    output(["git", "worktree", "add", "--detach", str(tree), name], cwd=ROOT)
    try:
        say(f"building aifirst at {base}")
        target = BENCH / "target" / "base"
        done = subprocess.run(["cargo", "build", "--release", "--quiet", "--locked", "--bin", "aifirst", "--target-dir",
                               str(target)], cwd=tree)
        if done.returncode != 0:
            raise Failure(f"{base} could not be built. Next: see the message above; or give its program with "
                          "--base-binary.")
        kept = tree.parent / "aifirst-base"
        shutil.copy(target / "release" / "aifirst", kept)
        return kept
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT)


def measure(program: Path, load: Path, folder: Path, at: int, operations: list[str]) -> dict[str, dict[str, float]]:
    """Instructions of one request by function, of each operation."""
    kit = servers.Kit(program, program, load, None)
    servers.migrate(kit, folder, {})
    world = fill_sqlite(folder / "data" / "aifirst.db", "S", at)
    found = {}
    process = under_callgrind(kit, folder)
    try:
        for operation in operations:
            requests = write_requests(folder / operation, "graphql", world, operation)
            ask = lambda count: sent(load, process, requests, operation, count)
            ask(WARM)
            dump(process, folder, "before")
            count = COUNTS.get(operation, COUNT)
            ask(count)
            less = dump(process, folder, "less")
            ask(3 * count)
            more = dump(process, folder, "more")
            found[operation] = {name: (more.get(name, 0) - less.get(name, 0)) / (2 * count)
                                for name in more.keys() | less.keys()}
            say(f"{operation}: {sum(found[operation].values()):,.0f} instructions a request")
    finally:
        process.stop()
    return found


def under_callgrind(kit: servers.Kit, folder: Path) -> Process:
    """One thread for requests: how threads share work is not what is measured."""
    environment = servers.outside() | {
        f"AIFIRST_{name}": value for name, value in {
            "CONFIG": str(folder / "bench.toml"), "DATA_DIR": str(folder / "data"), "LISTEN": "127.0.0.1:0",
            "ADMIN_LISTEN": "127.0.0.1:0", "HTTP__COST_PER_MINUTE": "4000000000", "SERVE__WORK": "false",
            "DATABASE__READERS": "1"}.items()} | {"TOKIO_WORKER_THREADS": "1"}
    return Process(["valgrind", "--tool=callgrind", "--compress-strings=yes", "--callgrind-out-file=callgrind.out",
                    kit.aifirst, "serve"], folder, environment, r"^GraphQL\s+http://([^/]+)/", START_LIMIT_S)


def sent(load: Path, process: Process, requests: Path, operation: str, count: int) -> None:
    asking = Load(load, "http", {"target": process.address, "requests": str(requests), "connections": 1, "seconds": 600,
                                 "count": count, "expect": EXPECTED[operation], "first": sent.first})
    try:
        told = asking.hear()
    finally:
        asking.stop()
    sent.first += count
    if told["failures"] or told["requests"] != count:
        raise Failure(f"{operation} was not answered under callgrind: {told['firstFailure']}")


sent.first = 0


def dump(process: Process, folder: Path, name: str) -> dict[str, int]:
    """What was counted since the last dump."""
    before = set(folder.glob("callgrind.out.*"))
    output(["callgrind_control", f"--dump={name}", str(process.process.pid)])
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for file in set(folder.glob("callgrind.out.*")) - before:
            if "\ntotals:" in (text := file.read_text()):
                file.unlink()
                return parse(text)
        time.sleep(0.1)
    raise Failure("callgrind wrote no dump within 60 s")


def parse(text: str) -> dict[str, int]:
    """Own cost of each function, of callgrind's format: names are told once and then by their number."""
    names: dict[str, str] = {}
    costs: dict[str, int] = defaultdict(int)
    current, called = "", False
    for line in text.splitlines():
        if found := re.match(r"(c?fn)=\((\d+)\)(?: (.+))?$", line):
            if found[3]:
                names[found[2]] = plain(found[3])
            if found[1] == "fn":
                current = names.get(found[2], "?")
        elif line.startswith("calls="):
            called = True
        elif line[:1].isdigit() or line[:1] in "+-*":
            # The line behind `calls` is what was called, with all that it did. A cost of none is left out.
            cost = line.split()[1:]
            if cost and not called:
                costs[current] += int(cost[0])
            called = False
    return costs


def plain(name: str) -> str:
    """Without the hash that each build makes anew, and without callgrind's mark of a recursion."""
    return re.sub(r"::h[0-9a-f]{16}|'\d+$|\.llvm\.\d+", "", name)


def report(base: str, here: str, before: dict, after: dict, operations: list[str], top: int) -> int:
    print(f"instructions a request: {base} → {here}")
    over = 0
    for operation in operations:
        old, new = before[operation], after[operation]
        total, now = sum(old.values()), sum(new.values())
        change = now / total - 1
        over += change > LIMIT
        mark = "  MORE" if change > LIMIT else "  less" if change < -LIMIT else ""
        print(f"\n{operation:<11} {total:>12,.0f} → {now:>12,.0f}  {change:+.1%}{mark}")
        for name, cost in sorted(new.items(), key=lambda each: -each[1])[:top]:
            print(f"  {cost:>12,.0f}  {cost / now:6.1%}  {name[:120]}")
        if abs(change) <= LIMIT:
            continue
        changes = sorted(((new.get(name, 0) - old.get(name, 0), name) for name in old.keys() | new.keys()),
                         key=lambda each: -abs(each[0]))
        for difference, name in changes[:SHOWN]:
            print(f"  {difference:>+12,.0f}  {difference / total:+6.1%}  {name[:120]}")
    told = f"{over} of {len(operations)} operations take" if over else "nothing takes"
    print(f"\n{told} over {LIMIT:.0%} more")
    return 1 if over else 0
