"""`bench/run api`: the four operations on every server, each in paired rounds with the reference."""

import re
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import servers
from .base import Failure, machine, save, say
from .data import World, fill_postgres, fill_sqlite, now_ms
from .database import Database
from .operations import EXPECTED, OPERATIONS, check_same, write_requests
from .process import Load, Process
from .servers import Kit


@dataclass
class Plan:
    rounds: int
    seconds: float
    """Of each round, of each of the two."""
    warm: float
    steady: float
    """At a constant rate."""
    connections: tuple[int, ...] = (16,)
    size: str = "M"

    @classmethod
    def of(cls, quick: bool, full: bool) -> "Plan":
        if quick:
            return cls(4, 0.4, 0.5, 1.0)
        return cls(20, 1.5, 3, 10, (16, 1, 64), "L") if full else cls(10, 1.0, 2, 4)


SHARE = 0.7
"""Of its own saturation, at which a server's latency is measured."""

WARM_REQUESTS = 1500
WAITING = 15
"""Messages to each session until `settle`: it takes no more than 20 that wait for an answer. Only with S is that soon."""

# What the mutation leaves is taken away again, so that every server begins with the same tables.
REMEMBER = """CREATE SCHEMA bench;
CREATE TABLE bench.before AS SELECT id, messages, turns, updated_at FROM coaching_session;
CREATE TABLE bench.began AS SELECT max(created_at) AS at FROM message;"""
RESTORE = """DELETE FROM message WHERE created_at > (SELECT at FROM bench.began);
DELETE FROM turn WHERE created_at > (SELECT at FROM bench.began);
DELETE FROM event;
UPDATE coaching_session s SET messages = b.messages, turns = b.turns, updated_at = b.updated_at
  FROM bench.before b WHERE b.id = s.id AND s.updated_at <> b.updated_at;
VACUUM ANALYZE message; VACUUM ANALYZE turn; VACUUM ANALYZE event; VACUUM ANALYZE coaching_session;"""
ANSWERED = "UPDATE turn SET status = 'COMPLETED' WHERE status = 'QUEUED'; VACUUM turn; CHECKPOINT;"


class Bench:
    def __init__(self, kit: Kit, plan: Plan, database: Database, world: World, folder: Path, data: Path) -> None:
        self.kit, self.plan, self.database, self.world, self.folder = kit, plan, database, world, folder
        self.sqlite = data
        self.starts = 0
        self.offset = 0

    def start(self, name: str, url: str | None = None, environment: dict[str, str] | None = None) -> Process:
        self.starts += 1
        folder = self.folder / f"{name}-{self.starts}"
        url = url or self.database.url
        match name:
            case "reference":
                return servers.start_reference(self.kit, folder, url)
            case "aifirst":
                # Who sends is answered by workers elsewhere: so `sendMessage` is measured, and no reply.
                settings = {"DATABASE__URL": url, "SERVE__WORK": "false"}
                return servers.start_aifirst(self.kit, folder, settings, environment=environment)
            case "aifirst-sqlite":
                shutil.copytree(self.sqlite, folder / "data")
                return servers.start_aifirst(self.kit, folder, {"SERVE__WORK": "false"})
            case _:
                return servers.start_peer(self.kit, name, folder, url)

    def load(self, kind: str, operation: str, address: str, connections: int, seconds: float, **more: object) -> dict:
        file = self.folder / f"{kind}.{operation}"
        if not file.exists():
            write_requests(file, kind, self.world, operation)
        if operation == "mutation":
            more = {"count": len(self.world.sessions) * WAITING} | more
        load = Load(self.kit.load, "http", {"target": address, "requests": str(file), "connections": connections,
                                            "seconds": seconds, "expect": EXPECTED[operation], "first": self.offset} | more)
        try:
            told = load.hear()
        finally:
            load.stop()
        if told["failures"]:
            raise Failure(f"{told['failures']} of {told['requests']} requests failed: {told['firstFailure']}")
        if not told["requests"]:
            raise Failure(f"no request of {operation} was answered")
        self.offset += told["requests"]
        return told

    def warm(self, kind: str, operation: str, process: Process) -> None:
        """Until what is compiled as it runs is compiled: by time, and by count where a server is slow."""
        count, began = 0, time.monotonic()
        while count < WARM_REQUESTS and time.monotonic() - began < 5 * self.plan.warm:
            if operation == "mutation":
                self.settle(process)
            count += self.load(kind, operation, process.address, 16, self.plan.warm)["requests"]

    def one_round(self, kind: str, operation: str, process: Process, connections: int) -> dict:
        """As fast as it answers; processor time of server and database for each request, in microseconds."""
        if operation == "mutation":
            self.settle(process)
        server, database = process.cpu(), self.database.cpu()
        told = self.load(kind, operation, process.address, connections, self.plan.seconds)
        count = told["requests"]
        spent = {"server": (process.cpu() - server) * 1e6 / count, "rps": count / told["seconds"],
                 "bytes": told["bytes"] / count}
        if database is not None:
            spent["database"] = (self.database.cpu() - database) * 1e6 / count
        return spent

    def settle(self, process: Process) -> None:
        """No session has messages that wait for an answer."""
        self.database.run(ANSWERED)
        file = process.folder / "data" / "aifirst.db"
        if file.exists():
            import sqlite3
            with sqlite3.connect(file, timeout=20) as connection:
                connection.execute("UPDATE turn SET status = 'COMPLETED' WHERE status = 'QUEUED'")
            connection.close()

    def paired(self, kind: str, operation: str, process: Process, reference: Process, connections: int) -> dict:
        """Rounds of the server and of the reference in turn; the ratio of each pair."""
        own, other = [], []
        for _ in range(self.plan.rounds):
            own.append(self.one_round(kind, operation, process, connections))
            other.append(self.one_round("reference", operation, reference, connections))
        told = {"rps": statistics.median(each["rps"] for each in own),
                "bytes": round(statistics.median(each["bytes"] for each in own)),
                "serverUs": statistics.median(each["server"] for each in own)}
        if "database" in own[0]:
            # SQLite works inside the server: what PostgreSQL did meanwhile is none of it.
            inside = process.folder.name.startswith("aifirst-sqlite")
            total = lambda each: each["server"] + (0 if inside else each["database"])
            ratios = [total(a) / (b["server"] + b["database"]) for a, b in zip(own, other)]
            told |= {"databaseUs": statistics.median(each["database"] for each in own),
                     "serverRatio": statistics.median(a["server"] / b["server"] for a, b in zip(own, other)),
                     "cpuRatio": statistics.median(ratios), "spread": quartiles(ratios)}
            if inside:
                told["databaseUs"] = 0
        return told

    def steady(self, kind: str, operation: str, process: Process, connections: int, rps: float) -> dict:
        """Latency at a constant rate: counted from when each request was due."""
        if operation == "mutation":
            self.settle(process)
        told = self.load(kind, operation, process.address, connections, self.plan.steady, rate=rps * SHARE)
        return {key: told[key] for key in ("p50Ms", "p99Ms", "p999Ms")}

    def statements(self, name: str, operations: list[str]) -> dict[str, dict]:
        """What one request says to PostgreSQL, by a proxy that reads along; by a server of its own."""
        if name == "aifirst-sqlite":
            return {}
        proxy = Load(self.kit.load, "proxy", {"upstream": self.database.address()})
        process, kind, counted = None, servers.request_kind(name), {}
        try:
            process = self.start(name, self.database.through(proxy.hear()["listening"]))
            for operation in operations:
                # The first ones prepare; one at a time, so that nothing is shared between requests.
                self.load(kind, operation, process.address, 16, 30, count=200)
                proxy.ask("count")
                told = self.load(kind, operation, process.address, 1, 30, count=40)
                counts = proxy.ask("count")
                counted[operation] = {"statements": round(counts["statements"] / told["requests"], 2),
                                      "control": round(counts["control"] / told["requests"], 2),
                                      "roundTrips": round(counts["roundTrips"] / told["requests"], 2),
                                      "texts": counts["texts"]}
        finally:
            if process:
                process.stop()
            proxy.stop()
        return counted

    def resident(self, process: Process) -> float | None:
        """None where it has not lived to the end."""
        try:
            return round(process.resident_mb(), 1)
        except Failure:
            return None

    def server(self, name: str, operations: list[str], reference: Process) -> dict:
        """All that is measured of a server; what cannot be is in `skipped`, by operation."""
        kind, done, skipped = servers.request_kind(name), {}, {}
        self.database.run(RESTORE)
        process = self.start(name)
        try:
            for operation in operations:
                try:
                    check_same(operation, process.address, kind, reference.address, self.world)
                    self.warm(kind, operation, process)
                    done[operation] = self.paired(kind, operation, process, reference, 16)
                    done[operation] |= self.steady(kind, operation, process, 16, done[operation]["rps"])
                    for connections in self.plan.connections[1:]:
                        told = self.paired(kind, operation, process, reference, connections)
                        told |= self.steady(kind, operation, process, connections, told["rps"])
                        done[operation][f"at{connections}"] = told
                    say(f"{name:<15} {operation:<11} {line(done[operation])}")
                except Failure as failure:
                    done.pop(operation, None)
                    skipped[operation] = str(failure)
                    say(f"{name:<15} {operation:<11} SKIPPED: {failure}")
            rss = self.resident(process)
        finally:
            process.stop()
        if done:
            for operation, counts in self.statements(name, list(done)).items():
                done[operation] |= counts
        return {"rssMb": rss, "operations": done, "skipped": skipped}


def line(told: dict) -> str:
    ratio = f"{told['cpuRatio']:.2f}× " if "cpuRatio" in told else ""
    database = f" + {told['databaseUs']:.0f}" if "databaseUs" in told else ""
    return f"{ratio}({told['serverUs']:.0f}{database} µs), {told['rps']:.0f}/s, p99 {told['p99Ms']:.1f} ms"


def quartiles(values: list[float]) -> list[float]:
    """The lower and the upper one."""
    if len(values) < 2:
        return [values[0], values[0]]
    cuts = statistics.quantiles(values, n=4, method="inclusive")
    return [round(cuts[0], 3), round(cuts[2], 3)]


def prepared(kit: Kit, plan: Plan, folder: Path, database: Database, with_sqlite: bool) -> Bench:
    """The tables, filled."""
    say(f"filling PostgreSQL{' and SQLite' if with_sqlite else ''} with size {plan.size}")
    at = now_ms()
    folder.mkdir(exist_ok=True)
    servers.migrate(kit, folder / "migrate", {"DATABASE__URL": database.url})
    world = fill_postgres(database, plan.size, at)
    database.run(REMEMBER)
    data = folder / "sqlite" / "data"
    if with_sqlite:
        servers.migrate(kit, folder / "sqlite", {})
        fill_sqlite(data / "aifirst.db", plan.size, at)
    return Bench(kit, plan, database, world, folder, data)


def run(binary: Path | None, plan: Plan, names: list[str], operations: list[str]) -> dict:
    peers = [name for name in names if name not in ("reference", "aifirst", "aifirst-sqlite")]
    kit = servers.kit(binary, with_node=bool(peers))
    results = {"machine": machine(), "plan": plan.__dict__ | {"share": SHARE}, "servers": {}}
    results["versions"] = {name: servers.version(name) for name in peers}
    database = Database()
    results["machine"]["postgres"] = database.version
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aifirst-bench-") as scratch:
        reference = None
        try:
            bench = prepared(kit, plan, Path(scratch), database, "aifirst-sqlite" in names)
            reference = bench.start("reference")
            for operation in operations:
                bench.warm("reference", operation, reference)
            for name in names:
                try:
                    results["servers"][name] = bench.server(name, operations, reference)
                except Failure as failure:
                    results["servers"][name] = {"skipped": {operation: str(failure) for operation in operations},
                                                "operations": {}}
                    say(f"{name:<15} SKIPPED: {failure}")
                save("api", results)
        finally:
            if reference:
                reference.stop()
            database.drop()
    results["minutes"] = round((time.monotonic() - began) / 60, 1)
    save("api", results)
    return results


def check(binary: Path | None, names: list[str], operations: list[str]) -> int:
    """Only whether all answer alike, on little data: prints a line for each, and returns how many do not.

    What could not be asked is not told to differ."""
    kit = servers.kit(binary)
    database, wrong = Database(), 0
    with tempfile.TemporaryDirectory(prefix="aifirst-bench-") as scratch:
        reference = None
        try:
            bench = prepared(kit, Plan(1, 1, 1, 1, size="S"), Path(scratch), database, "aifirst-sqlite" in names)
            reference = bench.start("reference")
            for name in names:
                database.run(RESTORE)
                try:
                    process = bench.start(name)
                except Failure as failure:
                    wrong += len(operations)
                    print(f"{name:<15} {'all':<11} NOT COMPARED: {' '.join(str(failure).split())}")
                    continue
                try:
                    for operation in operations:
                        try:
                            size = check_same(operation, process.address, servers.request_kind(name), reference.address,
                                              bench.world)
                            print(f"{name:<15} {operation:<11} same, {size} bytes")
                        except Failure as failure:
                            wrong += 1
                            print(f"{name:<15} {operation:<11} NOT THE SAME: {' '.join(str(failure).split())}")
                finally:
                    process.stop()
        finally:
            if reference:
                reference.stop()
            database.drop()
    return wrong


def growth(binary: Path | None, plan: Plan, sizes: tuple[str, str], operations: list[str]) -> str:
    """What the same page costs in more data: the server on both sizes, in rounds that alternate."""
    kit = servers.kit(binary, with_node=False)
    databases: list[Database] = []
    processes: list[Process] = []
    body = []
    with tempfile.TemporaryDirectory(prefix="aifirst-bench-") as scratch:
        try:
            benches = []
            for size in sizes:
                databases.append(Database())
                if databases[-1].cpu() is None:
                    raise Failure("what a page costs is told with PostgreSQL's time. Next: use one on this machine.")
                sized = Plan(plan.rounds, plan.seconds, plan.warm, plan.steady, size=size)
                benches.append(prepared(kit, sized, Path(scratch) / size, databases[-1], False))
                processes.append(benches[-1].start("aifirst"))
            for operation in operations:
                for bench, process in zip(benches, processes):
                    bench.warm("graphql", operation, process)
                rounds = [[bench.one_round("graphql", operation, process, 16)
                           for bench, process in zip(benches, processes)] for _ in range(plan.rounds)]
                total = lambda told: told["server"] + told.get("database", 0)
                ratios = [total(large) / total(small) for small, large in rounds]
                spread = quartiles(ratios)
                body.append((operation, f"{sizes[0]} → {sizes[1]}", f"{statistics.median(ratios):.2f}×",
                             f"{spread[0]:.2f}–{spread[1]:.2f}",
                             *(f"{statistics.median(total(pair[place]) for pair in rounds):.0f}" for place in (0, 1))))
                say(f"{operation}: {body[-1][2]}")
        finally:
            for process in processes:
                process.stop()
            for database in databases:
                database.drop()
    return aligned([("operation", "messages", "CPU", "quartiles", f"µs in {sizes[0]}", f"µs in {sizes[1]}"), *body])


def rows(results: dict) -> list[dict]:
    """For those who judge: measured rows only."""
    found = []
    for name, server in results["servers"].items():
        # SQLite is another database: not one of the servers that are compared.
        if name == "aifirst-sqlite":
            continue
        for operation, told in server["operations"].items():
            found.append({
                "operation": operation, "server": name,
                "cpuRatio": round(told["cpuRatio"], 3) if "cpuRatio" in told else None,
                "rps": round(told["rps"], 1), "p50Ms": told["p50Ms"], "p99Ms": told["p99Ms"],
                "rssMb": server["rssMb"], "statements": told.get("statements"),
            })
    return found


def table(results: dict) -> str:
    head = ("operation", "server", "CPU vs reference", "quartiles", "server µs", "database µs", "req/s", "p50 ms",
            "p99 ms", "p99.9 ms", "statements", "bytes", "RSS MB")
    body = []
    operations = [operation for operation in OPERATIONS if any(
        operation in server["operations"] | server["skipped"] for server in results["servers"].values())]
    for operation in operations:
        for name, server in results["servers"].items():
            if why := server["skipped"].get(operation):
                body.append((operation, name, "not measured: " + re.sub(r"\s+", " ", why)[:110]))
            elif told := server["operations"].get(operation):
                for connections, each in by_connections(told):
                    spread = each.get("spread")
                    count = each.get("statements")
                    body.append((
                        f"{operation}{connections}", name, f"{each['cpuRatio']:.2f}×" if spread else "—",
                        f"{spread[0]:.2f}–{spread[1]:.2f}" if spread else "—", f"{each['serverUs']:.0f}",
                        f"{each['databaseUs']:.0f}" if spread else "—", f"{each['rps']:.0f}", f"{each['p50Ms']:.2f}",
                        f"{each['p99Ms']:.2f}", f"{each['p999Ms']:.2f}",
                        "—" if count is None else f"{count:g} +{each['control']:g}", str(each["bytes"]),
                        resident_text(server)))
    return aligned([head, *body])


def by_connections(told: dict):
    """What was measured with 16 connections, and behind it what was with others (`--full`)."""
    yield "", told
    for key, each in told.items():
        if re.fullmatch(r"at\d+", key):
            yield f" at {key[2:]}", each


def resident_text(server: dict) -> str:
    return "—" if server["rssMb"] is None else f"{server['rssMb']:.0f}"


def aligned(lines: list[tuple]) -> str:
    """Columns as wide as their widest; a row that is cut short is prose at its end."""
    whole = [line for line in lines if len(line) == len(lines[0])]
    widths = [max(len(line[column]) for line in whole) for column in range(len(lines[0]))]
    widths[:2] = [max(len(line[column]) for line in lines) for column in (0, 1)]
    shown = []
    for row in lines:
        cells = [cell.ljust(width) if place < 2 else cell.rjust(width)
                 for place, (cell, width) in enumerate(zip(row, widths))]
        shown.append("  ".join(cells if len(row) == len(lines[0]) else [*cells[:2], row[2]]).rstrip())
    shown.insert(1, "-" * max(map(len, shown[:1])))
    return "\n".join(shown)
