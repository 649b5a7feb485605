"""`bench/run realtime`: what subscribers cost, how late words come, and whether those who come back miss any."""

import http.client
import json
import statistics
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import servers
from .api import aligned, quartiles
from .base import Failure, machine, save, say
from .data import World, fill_postgres, now_ms, shown
from .database import Database
from .operations import TEXT, ask
from .process import Load, Process, raise_file_limit
from .servers import Kit

NAMES = ("bare", "aifirst", "yoga")
FOLLOW = """subscription($s: ID!, $after: Cursor) { coachingEvents(sessionId: $s, after: $after) { __typename cursor at
  ... on TurnDelta { turn { id } text offset } } }"""
FOLLOW_YOGA = "subscription($s: ID!) { coachingEvents(sessionId: $s) { __typename cursor at turn { id } text offset } }"
WHERE = "query($s: ID!) { node(id: $s) { ... on CoachingSession { cursor } } }"
SEND = "mutation($s: ID!, $text: String!) { sendMessage(input: {sessionId: $s, text: $text}) { turn { id } userErrors { code message } } }"
CHANGES = "subscription($ws: ID!, $after: Cursor) { changes(workspaceId: $ws, after: $after) { cursor at kind node { __typename id } deletedId } }"
CREATE = "mutation($ws: ID!) { createGoal(input: {workspaceId: $ws, title: \"Grow tulips\"}) { goal { id } userErrors { code message } } }"
SESSIONS, RATE = 100, 50


@dataclass
class Plan:
    rounds: int
    subscribers: tuple[int, ...]
    deliveries: int
    """Messages to all together, of each round."""
    seconds: float
    """Of tokens to many sessions."""
    resumes: int

    @classmethod
    def of(cls, quick: bool, full: bool) -> "Plan":
        if quick:
            return cls(1, (100, 1000), 60_000, 3, 500)
        return cls(10, (100, 1000, 5000), 300_000, 20, 5000) if full else cls(3, (100, 1000, 5000), 200_000, 8, 5000)


class Bench:
    def __init__(self, kit: Kit, plan: Plan, database: Database, world: World, folder: Path) -> None:
        self.kit, self.plan, self.database, self.world, self.folder = kit, plan, database, world, folder
        self.source = Load(kit.load, "tokens", {"rate": RATE, "count": 1})
        self.tokens = self.source.hear()["listening"]
        self.starts = 0
        # Each session speaks once: the end of an earlier reply is none of the next one's.
        self.sessions = iter(world.sessions)

    def start(self, name: str) -> Process:
        self.starts += 1
        folder = self.folder / f"{name}-{self.starts}"
        if name == "bare":
            return servers.start_reference(self.kit, folder, self.database.url)
        if name == "yoga":
            return servers.start_peer(self.kit, "yoga", folder, self.database.url)
        config = f"""[gateway.providers.bench]
kind = "openai-compatible"
base_url = "http://{self.tokens}/v1"
max_concurrent = 1000
[gateway.routes.default]
targets = [{{ provider = "bench", model = "bench" }}]
[coaching]
concurrent_turns = 1000
[http.socket]
per_actor = 20000
"""
        return servers.start_aifirst(self.kit, folder, {"DATABASE__URL": self.database.url}, config)

    def subscriber(self, name: str, address: str, viewer, session: bytes) -> dict:
        id = shown("cs", session)
        if name == "bare":
            return {"path": f"/events?topic={id}", "init": None, "subscribe": None}
        document, variables = FOLLOW_YOGA, {"s": id}
        if name == "aifirst":
            # From now on: what the generator made has no events.
            data = graphql(address, viewer, WHERE, {"s": id})
            document, variables = FOLLOW, {"s": id, "after": data["node"]["cursor"]}
        return {
            "path": "/graphql",
            "init": json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {viewer.token}"}}),
            "subscribe": json.dumps({"type": "subscribe", "id": "1",
                                     "payload": {"query": document, "variables": variables}}),
        }

    def speak(self, name: str, address: str, viewer, session: bytes) -> None:
        """Begins a reply in the session."""
        id = shown("cs", session)
        if name == "aifirst":
            graphql(address, viewer, SEND, {"s": id, "text": TEXT})
            return
        url = f"http://{address}/start?topic={id}&source={self.tokens}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, b"{}", method="POST"), timeout=20):
                pass
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"it did not begin to speak: {error}") from None

    def follow(self, name: str, process: Process, pairs: list, each: int, rate: float, count: int) -> dict:
        """So many subscribers of each session, which all speak at once."""
        self.source.ask({"rate": rate, "count": count})
        alike = [self.subscriber(name, process.address, *pair) for pair in pairs]
        subscribers = [subscriber for subscriber in alike for _ in range(each)]
        time.sleep(0.5)
        before = process.resident_mb()
        load = Load(self.kit.load, "sockets", {"target": process.address, "subscribers": subscribers,
                                               "until": "TurnCompleted", "patienceSeconds": int(count / rate) + 60})
        try:
            load.hear()
            time.sleep(1)
            resident = process.resident_mb()
            cpu = process.cpu()
            load.tell("go")
            for pair in pairs:
                self.speak(name, process.address, *pair)
            told = load.hear()
            spent = process.cpu() - cpu
        finally:
            load.stop()
        wanted = len(pairs) * each * count
        if told["incomplete"] or told["tokens"] != wanted:
            raise Failure(f"{told['tokens']} of {wanted} tokens came, {told['incomplete']} subscribers did not see the "
                          f"end: {told['firstProblem']}")
        return told | {"cpuUs": spent * 1e6 / wanted, "kbEach": (resident - before) * 1e6 / 1024 / len(subscribers),
                       "messageBytes": told["bytes"] / told["messages"]}

    def broadcast(self, name: str, count: int) -> dict:
        """One session to so many, in a server that was just started."""
        process = self.start(name)
        try:
            # About as many deliveries whatever the number, and not faster than both ends can.
            rate = min(RATE, max(2.0, 20_000 / count))
            tokens = max(10, min(self.plan.deliveries // count, int(rate * 10)))
            # A few come and go first: what is set up once is none of theirs.
            self.follow(name, process, [next(self.sessions)], 10, RATE, 10)
            return self.follow(name, process, [next(self.sessions)], count, rate, tokens)
        finally:
            process.stop()

    def latency(self, name: str) -> dict:
        process = self.start(name)
        try:
            pairs = [next(self.sessions) for _ in range(SESSIONS)]
            self.follow(name, process, pairs[:1], 10, RATE, 50)
            pairs = [next(self.sessions) for _ in range(SESSIONS)]
            return self.follow(name, process, pairs, 1, RATE, int(RATE * self.plan.seconds))
        finally:
            process.stop()

    def storm(self) -> dict:
        """Of `aifirst` alone: a bare broadcast and Yoga have no cursors."""
        process = self.start("aifirst")
        viewer = self.world.viewers[0]
        workspace = shown("ws", viewer.workspace)
        before, away, after = 5, 20, 5
        try:
            data = graphql(process.address, viewer, "query($ws: ID!) { workspace(id: $ws) { cursor } }", {"ws": workspace})
            subscribe = {"type": "subscribe", "id": "1", "payload": {
                "query": CHANGES, "variables": {"ws": workspace, "after": "$AFTER"}}}
            init = {"type": "connection_init", "payload": {"authorization": f"Bearer {viewer.token}"}}
            load = Load(self.kit.load, "storm", {
                "target": process.address, "path": "/graphql", "init": json.dumps(init),
                "subscribe": json.dumps(subscribe), "cursor": data["workspace"]["cursor"],
                "connections": self.plan.resumes, "before": before, "total": before + away + after,
                "patienceSeconds": 120, "atOnce": 256})
            try:
                load.hear()
                create = lambda: graphql(process.address, viewer, CREATE, {"ws": workspace})
                for _ in range(before):
                    create()
                load.hear()
                for _ in range(away):
                    create()
                cpu = process.cpu()
                load.tell("resume")
                for _ in range(after):
                    create()
                told = load.hear()
                return told | {"cpuUs": (process.cpu() - cpu) * 1e6 / told["connections"]}
            finally:
                load.stop()
        finally:
            process.stop()


def graphql(address: str, viewer, document: str, variables: dict) -> dict:
    data, _ = ask(address, {"path": "/graphql", "authorization": f"Bearer {viewer.token}",
                            "body": json.dumps({"query": document, "variables": variables})})
    return data


def run(binary: Path | None, plan: Plan, names: list[str]) -> dict:
    kit = servers.kit(binary, with_node="yoga" in names)
    files = raise_file_limit()
    results = {"machine": machine(), "plan": plan.__dict__, "broadcast": {}, "latency": {}, "storm": {}, "skipped": {}}
    database = Database()
    results["machine"]["postgres"] = database.version
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aifirst-bench-") as scratch:
        bench = None
        try:
            folder = Path(scratch)
            say("filling PostgreSQL with size M")
            servers.migrate(kit, folder / "migrate", {"DATABASE__URL": database.url})
            bench = Bench(kit, plan, database, fill_postgres(database, "M", now_ms()), folder)
            for count in plan.subscribers:
                if count + 1000 > files:
                    results["skipped"][f"broadcast {count}"] = f"only {files} files may be open: ulimit -n"
                    continue
                results["broadcast"][str(count)] = broadcasts(bench, names, count, results["skipped"])
                save("realtime", results)
            for name in names:
                attempt(results["latency"], results["skipped"], f"tokens of {SESSIONS} sessions", name,
                        lambda: bench.latency(name))
            if "aifirst" in names and plan.resumes + 1000 > files:
                results["skipped"]["reconnects, aifirst"] = f"only {files} files may be open: ulimit -n"
            elif "aifirst" in names:
                attempt(results["storm"], results["skipped"], "reconnects", "aifirst", bench.storm)
        finally:
            if bench:
                bench.source.stop()
            database.drop()
    results["minutes"] = round((time.monotonic() - began) / 60, 1)
    save("realtime", results)
    return results


def attempt(into: dict, skipped: dict, what: str, name: str, measure) -> dict | None:
    try:
        into[name] = measure()
        say(f"{what}, {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in into[name].items()
                                            if isinstance(value, (int, float))))
        return into[name]
    except Failure as failure:
        skipped[f"{what}, {name}"] = str(failure)
        say(f"{what}, {name}: SKIPPED: {failure}")
        return None


def broadcasts(bench: Bench, names: list[str], count: int, skipped: dict) -> dict:
    """Rounds in which each has its turn; ratios to the bare one of the same round."""
    rounds: dict[str, list] = {name: [] for name in names}
    for _ in range(bench.plan.rounds):
        for name in names:
            if (told := attempt({}, skipped, f"broadcast to {count}", name, lambda: bench.broadcast(name, count))):
                rounds[name].append(told)
    found = {}
    for name, all in rounds.items():
        if len(all) < bench.plan.rounds:
            continue
        found[name] = {key: statistics.median(each[key] for each in all)
                       for key in ("cpuUs", "kbEach", "p50Ms", "p99Ms", "messageBytes")}
        bare = rounds.get("bare", [])
        if len(bare) == len(all):
            ratios = [a["cpuUs"] / b["cpuUs"] for a, b in zip(all, bare)]
            found[name]["cpuRatio"] = statistics.median(ratios)
            # One round has none, and the bare one is compared with itself.
            if len(ratios) > 1 and name != "bare":
                found[name]["spread"] = quartiles(ratios)
    return found


def rows(results: dict) -> list[dict]:
    found = []
    for count, by_name in results["broadcast"].items():
        for name, told in by_name.items():
            found.append({"operation": f"broadcast{count}", "server": name, "cpuRatio": told.get("cpuRatio"),
                          "cpuUs": told["cpuUs"], "kbPerConnection": told["kbEach"], "p50Ms": told["p50Ms"],
                          "p99Ms": told["p99Ms"]})
    for name, told in results["latency"].items():
        found.append({"operation": "tokens", "server": name, "cpuUs": told["cpuUs"], "p50Ms": told["p50Ms"],
                      "p99Ms": told["p99Ms"]})
    for name, told in results["storm"].items():
        found.append({"operation": "reconnects", "server": name, "cpuUs": told["cpuUs"], "seconds": told["seconds"],
                      "missing": told["missing"], "doubled": told["doubled"], "inAnotherOrder": told["inAnotherOrder"]})
    return found


def table(results: dict) -> str:
    head = ("what", "server", "CPU vs bare", "quartiles", "µs a message", "KB a socket", "p50 ms", "p99 ms")
    body = []
    for count, by_name in results["broadcast"].items():
        for name, told in by_name.items():
            spread = told.get("spread")
            body.append((f"broadcast to {count}", name, f"{told['cpuRatio']:.2f}×" if "cpuRatio" in told else "—",
                         f"{spread[0]:.2f}–{spread[1]:.2f}" if spread else "—", f"{told['cpuUs']:.1f}",
                         f"{told['kbEach']:.1f}", f"{told['p50Ms']:.2f}", f"{told['p99Ms']:.2f}"))
    for name, told in results["latency"].items():
        body.append((f"{SESSIONS} sessions × {RATE} tokens/s", name, "—", "—", f"{told['cpuUs']:.1f}",
                     f"{told['kbEach']:.1f}", f"{told['p50Ms']:.2f}", f"{told['p99Ms']:.2f}"))
    lines = [aligned([head, *body])]
    for told in results["storm"].values():
        lines.append(f"{told['connections']} resumed with their cursors in {told['seconds']:.1f} s, {told['cpuUs']:.0f} µs "
                     f"each: {told['missing']} events missing, {told['doubled']} doubled, {told['inAnotherOrder']} "
                     "subscribers with another order")
    lines += [f"not measured: {what}: {why[:200]}" for what, why in results["skipped"].items()]
    return "\n".join(lines)
