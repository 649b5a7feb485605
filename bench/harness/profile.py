"""`bench/run profile OPERATION`: where the time of one operation goes: a flame graph, and its SQL with timings."""

import html
import json
import re
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from . import servers
from .api import Bench, Plan, prepared
from .base import RESULTS, Failure, say
from .database import Database
from .operations import ask, request, subjects
from .process import Process
from .sampling import Sampler, usable

WIDTH, ROW = 1400, 17


def run(binary: Path | None, operation: str, seconds: float, size: str, image: Path | None) -> int:
    kit = servers.kit(binary, with_node=False)
    database = Database()
    plan = Plan.of(True, False)
    plan.size = size
    with tempfile.TemporaryDirectory(prefix="aifirst-bench-") as scratch:
        process = None
        try:
            sampler = usable(Path(scratch))
            bench = prepared(kit, plan, Path(scratch), database, False)
            process = bench.start("aifirst", environment=sampler.environment)
            bench.warm("graphql", operation, process)
            print(statements(process, bench, operation))
            stacks = sampled(bench, process, sampler, operation, seconds)
        finally:
            if process:
                process.stop()
            database.drop()
    image = image or RESULTS / f"{operation}.svg"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.write_text(flame(stacks, f"{operation}: {sum(stacks.values())} samples"))
    print(f"flame graph: {image}")
    print(heaviest(stacks))
    return 0


def statements(process: Process, bench: Bench, operation: str) -> str:
    """As the product itself explains a request in development."""
    viewer, subject = subjects(bench.world, operation, 50)[-1]
    asked = request("graphql", operation, viewer, subject)
    asked["body"] = json.dumps(json.loads(asked["body"]) | {"extensions": {"explain": True}})
    try:
        told = explained(process.address, asked)
    except Failure as failure:
        return f"statements not measured: {failure}"
    lines = []
    for each in told["statements"]:
        sql = re.sub(r"\s+", " ", each["sql"])
        lines.append(f"  {each['milliseconds']:8.2f} ms  for {', '.join(each['fields']) or 'the request'}\n               {sql[:400]}")
    return f"{len(lines)} statements, with the time that each took:\n" + "\n".join(lines)


def explained(address: str, asked: dict) -> dict:
    import http.client
    host, _, port = address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", asked["path"], asked["body"], {
        "Content-Type": "application/json", "Accept": "application/json", "Authorization": asked["authorization"]})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    told = answer.get("extensions", {}).get("explain", {})
    if "statements" not in told:
        raise Failure(f"the server did not explain its answer: {json.dumps(answer)[:300]}")
    return told


def sampled(bench: Bench, process: Process, sampler: Sampler, operation: str, seconds: float) -> Counter:
    """Stacks and how often each was seen, under load."""
    say(f"sampling {seconds:.0f} s of {operation} by {sampler.name}")
    problems: list[Exception] = []

    def keep_busy() -> None:
        end = time.monotonic() + seconds + 2
        try:
            while (left := end - time.monotonic()) > 0.1:
                # With the smallest tables it ends before its time.
                if operation == "mutation":
                    bench.settle(process)
                bench.load("graphql", operation, process.address, 16, left)
        except Failure as failure:
            problems.append(failure)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        stacks = sampler.stacks(process, seconds)
    finally:
        busy.join()
    if problems:
        raise problems[0]
    if not stacks:
        raise Failure(f"{sampler.name} saw no sample of the server")
    return stacks


def flame(stacks: Counter, title: str) -> str:
    """A flame graph: as wide as often seen, callers below."""
    root: dict = {"count": 0, "below": {}}
    for stack, count in stacks.items():
        at = root
        root["count"] += count
        for frame in stack:
            at = at["below"].setdefault(frame, {"count": 0, "below": {}})
            at["count"] += count
    boxes: list[tuple] = []
    deepest = 0

    def draw(node: dict, left: float, depth: int) -> None:
        nonlocal deepest
        for frame, child in sorted(node["below"].items()):
            wide = child["count"] / root["count"] * WIDTH
            if wide >= 0.7:
                deepest = max(deepest, depth)
                boxes.append((left, depth, wide, frame, child["count"]))
                draw(child, left, depth + 1)
            left += wide

    draw(root, 0, 0)
    height = (deepest + 3) * ROW
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" '
             f'font-size="11"><rect width="100%" height="100%" fill="#fff"/><text x="4" y="13">{html.escape(title)}</text>']
    for left, depth, wide, frame, count in boxes:
        top = height - (depth + 1) * ROW
        hue = 10 + sum(frame.encode()) % 45
        share = count / root["count"]
        shown = html.escape(frame[-int(wide / 6.7):]) if wide > 20 else ""
        parts.append(f'<g><title>{html.escape(frame)}: {share:.1%}</title><rect x="{left:.1f}" y="{top}" '
                     f'width="{wide:.1f}" height="{ROW - 1}" fill="hsl({hue},85%,65%)"/>'
                     f'<text x="{left + 2:.1f}" y="{top + 12}">{shown}</text></g>')
    return "\n".join([*parts, "</svg>\n"])


def heaviest(stacks: Counter) -> str:
    """Functions by the time in themselves."""
    own: Counter = Counter()
    for stack, count in stacks.items():
        own[stack[-1]] += count
    total = sum(stacks.values())
    return "\n".join(f"  {count / total:6.1%}  {frame[:130]}" for frame, count in own.most_common(25))
