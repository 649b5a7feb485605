"""Data of one seed for the product's own tables: as many messages as are asked for, and as much of everything else as
goes with them. Skewed as real use is: few workspaces have most sessions, few sessions most messages.

The tables come from `aifirst migrate`. The same seed, size and time give the same rows; times are relative to one that is
given, for usage is summed over this month."""

import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from .database import Database

SIZES = {"S": 1_000, "M": 100_000, "L": 1_000_000}
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
DAY = 86_400_000
VIEWER_SESSIONS = 25
KINDS = ("FACT", "PREFERENCE", "NOTE", "EPISODE", "PATTERN", "SUMMARY")


def digits(value: int, count: int) -> str:
    return "".join(DIGITS[value >> 5 * place & 31] for place in reversed(range(count)))


def shown(prefix: str, uuid: bytes) -> str:
    """An id as the product shows it."""
    return f"{prefix}_{digits(int.from_bytes(uuid), 26)}"


def token_of(key: bytes, source: random.Random) -> str:
    """An API key's text: its id, 256 bits of a secret, a checksum (src/account/token.rs)."""
    body = "aif_" + digits(int.from_bytes(key), 26) + digits(source.getrandbits(256) << 4, 52)
    return body + digits(int.from_bytes(hashlib.sha256(body.encode()).digest()) >> 256 - 35, 7)


@dataclass
class Viewer:
    """Somebody who asks, and the workspace they look at."""
    user: bytes
    workspace: bytes
    token: str


@dataclass
class World:
    size: str
    viewers: list[Viewer] = field(default_factory=list)
    """Those whose lists fill a page."""
    memories: list[tuple[Viewer, bytes]] = field(default_factory=list)
    sessions: list[tuple[Viewer, bytes]] = field(default_factory=list)
    """Every session with its owner."""


@dataclass
class Time:
    """Milliseconds since 1970; never a whole second, so that all servers show three digits."""
    ms: int

    def __post_init__(self) -> None:
        self.ms += self.ms % 1000 == 0

    def text(self) -> str:
        return datetime.fromtimestamp(self.ms / 1000, timezone.utc).isoformat(timespec="milliseconds")


class Generator:
    def __init__(self, size: str, now: int) -> None:
        self.count = SIZES[size]
        self.source = random.Random(f"aifirst bench {size}")
        self.now = now
        self.world = World(size)
        self.texts = [self.text(length) for length in (self.source.randint(4, 90) for _ in range(4000))]
        self.texts.sort(key=len)

    def id(self, at: int) -> bytes:
        """A UUIDv7 of that time."""
        bits = self.source.getrandbits(74)
        return (at << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (1 << 62) - 1).to_bytes(16)

    def text(self, words: int) -> str:
        """Of a vocabulary in which few words are said often."""
        syllables = "ka lo mi ren ta vo su del an or in est".split()
        word = lambda: "".join(self.source.choices(syllables, k=self.source.choice((1, 1, 2, 2, 3))))
        return " ".join(word() for _ in range(words)).capitalize() + "."

    def some_text(self, long: bool) -> str:
        half = len(self.texts) // 2
        return self.texts[self.source.randrange(half) + (half if long else 0)]

    def spread(self, things: list, count: int) -> list:
        """One of the things for each of `count`, by Zipf."""
        return self.source.choices(things, [1 / rank for rank in range(1, len(things) + 1)], k=count)

    def tables(self) -> Iterator[tuple[str, list[str], list[tuple]]]:
        """Name, columns and rows of each table, those that are referred to first."""
        yield from self.people()
        yield from self.coaching()
        yield from self.memory()
        yield from self.workflows()
        yield from self.calls()

    def people(self) -> Iterator[tuple[str, list[str], list[tuple]]]:
        count = max(4, self.count // 4000)
        began = self.now - 200 * DAY
        at = Time(began)
        self.workspaces = [self.id(began + number) for number in range(count)]
        self.users = [self.id(began + number) for number in range(2 * count)]
        # Each is in three on average.
        self.members: list[tuple[bytes, bytes]] = []
        memberships = []
        for place, workspace in enumerate(self.workspaces):
            others = self.source.sample([user for user in self.users if user != self.users[place]], 5)
            for user in [self.users[place], *others]:
                role = "OWNER" if user == self.users[place] else "MEMBER"
                memberships.append((self.id(began), workspace, user, role, 1, at))
                self.members.append((workspace, user))
        self.tokens, keys = {}, []
        for user in self.users:
            key = self.id(began)
            self.tokens[user] = token_of(key, self.source)
            hash = hashlib.sha256(self.tokens[user].encode()).digest()
            keys.append((key, hash, "bench", user, "ADMIN", False, at, Time(self.now)))
        yield "user", ["id", "display_name", "created_at"], [(user, self.text(2), at) for user in self.users]
        yield "workspace", ["id", "name", "slug", "version", "created_at"], [
            (workspace, self.text(2), f"bench-{place}", 1, at) for place, workspace in enumerate(self.workspaces)]
        yield "membership", ["id", "workspace_id", "user_id", "role", "version", "created_at"], memberships
        # Used just now: what notes when a key was last used has nothing to write.
        yield "api_key", ["id", "secret_hash", "name", "user_id", "scope", "development", "created_at",
                          "last_used_at"], keys
        yield "event_head", ["workspace_id", "position", "trimmed"], [(each, 0, 0) for each in self.workspaces]

    def viewer(self, workspace: bytes, user: bytes) -> Viewer:
        return Viewer(user, workspace, self.tokens[user])

    def coaching(self) -> Iterator[tuple[str, list[str], list[tuple]]]:
        owners = [(workspace, self.users[place]) for place, workspace in enumerate(self.workspaces)][:8]
        self.world.viewers = [self.viewer(*owner) for owner in owners]
        pairs = owners + [pair for pair in self.members if pair not in owners]
        goals = {pair: [self.id(self.now - 100 * DAY) for _ in range(3)] for pair in pairs}
        yield "goal", ["id", "workspace_id", "owner_id", "title", "progress", "status", "version", "created_at",
                       "updated_at"], [
            (goal, *pair, self.text(4), self.source.randint(1, 19) / 20, "ACTIVE", 1, Time(self.now - 100 * DAY),
             Time(self.now - 90 * DAY)) for pair in pairs for goal in goals[pair]]

        count = max(len(owners) * VIEWER_SESSIONS + 20, self.count // 40)
        of = [owner for owner in owners for _ in range(VIEWER_SESSIONS)]
        of += self.spread(pairs, count - len(of))
        sizes = self.session_sizes(count)
        sessions, turns, messages, citations = [], [], [], []
        for pair, size in zip(of, sizes):
            began = self.now - self.source.randint(DAY, 90 * DAY)
            session = self.id(began)
            self.world.sessions.append((self.viewer(*pair), session))
            at = began
            for place in range(size):
                at += self.source.randint(500, 60_000) if place else 7
                coach = place % 2 == 1
                if not coach:
                    turn = self.id(at)
                message = self.id(at)
                text = self.some_text(coach)
                number = place // 2 + 1
                messages.append((message, *pair, session, turn, number, place + 1, "COACH" if coach else "USER", text,
                                 "COMPLETED", Time(at)))
                if not coach:
                    turns.append([turn, *pair, session, number, "COMPLETED", message, None, 2, False, Time(at)])
                    continue
                turns[-1][7] = message
                if self.source.random() < 0.4:
                    end = min(len(text), 40)
                    citations.append((message, 1, self.id(began), text[:end], 0, end))
            goal = self.source.choice(goals[pair]) if self.source.random() < 0.5 else None
            sessions.append((session, *pair, goal, "CHAT", self.text(3), "ACTIVE", 1, size, (size + 1) // 2,
                             Time(began), Time(at)))
        yield "coaching_session", ["id", "workspace_id", "owner_id", "goal_id", "mode", "topic", "status", "version",
                                   "messages", "turns", "created_at", "updated_at"], sessions
        yield "turn", ["id", "workspace_id", "owner_id", "session_id", "number", "status", "message_id", "reply_id",
                       "fence", "interrupt_requested", "created_at"], turns
        yield "message", ["id", "workspace_id", "owner_id", "session_id", "turn_id", "turn_number", "position", "role",
                          "text", "status", "created_at"], messages
        yield "citation", ["message_id", "place", "memory_id", "quote", "start_offset", "end_offset"], citations

    def session_sizes(self, count: int) -> list[int]:
        """Messages of each session: log-normal, six at least, and so many in all."""
        least = min(6, self.count // count)
        weights = [self.source.lognormvariate(0, 1.3) for _ in range(count)]
        rest = self.count - least * count
        total = sum(weights)
        sizes = [least + int(rest * weight / total) for weight in weights]
        sizes[sizes.index(max(sizes))] += self.count - sum(sizes)
        return sizes

    def memory(self) -> Iterator[tuple[str, list[str], list[tuple]]]:
        members: dict[bytes, list[bytes]] = {}
        for workspace, user in self.members:
            members.setdefault(workspace, []).append(user)
        rows = []
        for workspace in self.spread(self.workspaces, max(400, self.count // 5)):
            at = self.now - self.source.randint(0, 120 * DAY)
            memory = self.id(at)
            user = self.source.choice(members[workspace]) if self.source.random() < 0.6 else None
            rows.append((memory, workspace, user or workspace, user, "USER" if user else "WORKSPACE", "ALLOWED",
                         self.some_text(False), self.source.choice(KINDS), "ACTIVE", 1, Time(at), Time(at)))
            reader = user or self.source.choice(members[workspace])
            self.world.memories.append((self.viewer(workspace, reader), memory))
        yield "memory", ["id", "workspace_id", "owner_id", "user_id", "scope", "egress", "text", "kind", "status",
                         "version", "created_at", "updated_at"], rows

    def workflows(self) -> Iterator[tuple[str, list[str], list[tuple]]]:
        at = Time(self.now - 150 * DAY)
        graph = json.dumps({"steps": []})
        workflows, versions, of = [], [], {}
        for workspace in self.workspaces:
            for number in range(4):
                workflow, version = self.id(at.ms), self.id(at.ms)
                of.setdefault(workspace, []).append((workflow, version))
                workflows.append((workflow, workspace, self.text(3), f"bench-{number}", graph, "[]", 1, version, 1, at,
                                  at))
                versions.append((version, workspace, workflow, 1, graph, "bench", self.users[0], at))
        yield "workflow", ["id", "workspace_id", "name", "slug", "graph", "problems", "draft_version",
                           "published_version_id", "version", "created_at", "updated_at"], workflows
        yield "workflow_version", ["id", "workspace_id", "workflow_id", "number", "graph", "checksum", "published_by",
                                   "published_at"], versions
        runs, steps = [], []
        states = ("RUNNING", "WAITING", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "FAILED")
        for workspace in self.spread(self.workspaces, max(240, self.count // 50)):
            began = self.now - self.source.randint(60_000, 60 * DAY)
            run, state = self.id(began), self.source.choice(states)
            runs.append((run, workspace, *self.source.choice(of[workspace]), state, "USER", self.users[0], "{}", 1, 0, 0,
                         Time(began), Time(began + 5)))
            for place in range(self.source.randint(3, 8)):
                steps.append((self.id(began), workspace, run, place, f"step-{place}", "COMPLETED", 1, 0))
        yield "run", ["id", "workspace_id", "workflow_id", "version_id", "status", "principal_kind", "principal_id",
                      "input", "lease_token", "revision", "takeovers", "created_at", "updated_at"], runs
        yield "step_run", ["id", "workspace_id", "run_id", "place", "key", "status", "attempts", "failures"], steps

    def calls(self) -> Iterator[tuple[str, list[str], list[tuple]]]:
        members: dict[bytes, list[bytes]] = {}
        for workspace, user in self.members:
            members.setdefault(workspace, []).append(user)
        rows = []
        for workspace in self.spread(self.workspaces, max(300, self.count // 50)):
            at = self.now - self.source.randint(0, 45 * DAY)
            currency = "USD" if self.source.random() < 0.9 else "EUR"
            rows.append((self.id(at), workspace, self.source.choice(members[workspace]), False, "default", "COMPLETED",
                         False, self.source.randint(50, 4000), 0, self.source.randint(20, 900),
                         self.source.randint(10_000, 90_000_000), currency, self.source.randint(10_000, 4_000_000),
                         "[]", "[]", Time(at)))
        yield "llm_call", ["id", "workspace_id", "principal_id", "is_service", "route", "status", "cache_hit",
                           "input_tokens", "cached_input_tokens", "output_tokens", "cost", "currency", "duration",
                           "attempts", "guardrails", "started_at"], rows


def copied(value: object) -> str:
    """As COPY reads it."""
    match value:
        case None:
            return "\\N"
        case bool():
            return "t" if value else "f"
        case bytes():
            return value.hex() if len(value) == 16 else "\\\\x" + value.hex()
        case Time():
            return value.text()
        case _:
            return str(value)


def stored(value: object) -> object:
    """As the product stores it in SQLite."""
    match value:
        case bool():
            return int(value)
        case Time():
            return value.text()
        case _:
            return value


def now_ms() -> int:
    return int(time.time() * 1000)


def fill_postgres(database: Database, size: str, now: int) -> World:
    generator = Generator(size, now)
    for table, columns, rows in generator.tables():
        database.copy(table, columns, ("\t".join(map(copied, row)) + "\n" for row in rows))
        database.run(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')
    database.run("ALTER TABLE event SET (autovacuum_enabled = false); VACUUM ANALYZE;")
    return generator.world


def fill_sqlite(file: Path, size: str, now: int) -> World:
    generator = Generator(size, now)
    with sqlite3.connect(file) as connection:
        for table, columns, rows in generator.tables():
            names, places = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
            connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})',
                                   (tuple(map(stored, row)) for row in rows))
    connection.execute("ANALYZE")
    connection.close()
    return generator.world
