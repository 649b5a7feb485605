"""The PostgreSQL of scripts/services.py: a database of our own in it, and the processor time of all its processes."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from .base import ROOT, Failure, say
from .process import cpu_seconds, stat

sys.path.insert(0, str(ROOT / "scripts"))
import services  # noqa: E402


def beside_postgres(arguments: list[str]) -> None:
    """Runs this command again beside a throw-away PostgreSQL, unless one is named in the environment."""
    if not os.environ.get(services.DATABASE_URL):
        script = str(ROOT / "scripts" / "services.py")
        os.execv(sys.executable, [sys.executable, script, "run", sys.executable, *arguments])


class Database:
    def __init__(self) -> None:
        self.server = os.environ[services.DATABASE_URL]
        self.name = f"aifirst_bench_{secrets.token_hex(4)}"
        self.url = urlunsplit(urlsplit(self.server)._replace(path=f"/{self.name}"))
        self.psql, self.environment = psql()
        self.run(f"CREATE DATABASE {self.name}", self.server)
        self.postmaster = self._postmaster()
        self.version = self.ask("SHOW server_version")

    def _postmaster(self) -> int | None:
        """Above our own backend, if it runs on this machine."""
        with subprocess.Popen([self.psql, "-XAtq", self.url], text=True, env=self.environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as shell:
            shell.stdin.write("SELECT pg_backend_pid();\n")
            shell.stdin.flush()
            pid = int(shell.stdout.readline())
            try:
                name = Path(f"/proc/{pid}/comm").read_text()
                parent = int(stat(pid)[1]) if name.startswith("postgres") else None
            except FileNotFoundError:
                parent = None
            shell.stdin.close()
        if parent is None:
            say("PostgreSQL is not on this machine: its processor time is not measured, and so no ratio")
        return parent

    def cpu(self) -> float | None:
        return None if self.postmaster is None else cpu_seconds(self.postmaster)

    def run(self, sql: str, url: str | None = None) -> str:
        done = subprocess.run([self.psql, "-XAtq", "-v", "ON_ERROR_STOP=1", url or self.url], input=sql, text=True,
                              env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Failure(f"PostgreSQL said: {done.stderr.strip()[-500:]}")
        return done.stdout

    def ask(self, sql: str) -> str:
        return self.run(sql).strip()

    def copy(self, table: str, columns: list[str], lines) -> None:
        """Fills a table from lines of COPY's text form."""
        names = ", ".join(f'"{column}"' for column in columns)
        command = [self.psql, "-Xq", "-v", "ON_ERROR_STOP=1", self.url, "-c", f'COPY "{table}" ({names}) FROM STDIN']
        with subprocess.Popen(command, text=True, env=self.environment, stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as load:
            try:
                load.stdin.writelines(lines)
                load.stdin.close()
            except BrokenPipeError:
                pass
            told = load.stderr.read()
            if load.wait() != 0:
                raise Failure(f"{table} was not filled: {told.strip()[-500:]}")

    def address(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or 5432}"

    def through(self, address: str) -> str:
        """The URL by way of a proxy."""
        parts = urlsplit(self.url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@{address}"))

    def drop(self) -> None:
        self.run(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)", self.server)


def psql() -> tuple[str, dict]:
    """That of the installed servers, else the system's."""
    for tools in sorted((services.cache_dir() / "tools").glob("servers-*")):
        binary = tools / "pgsql" / "bin" / "psql"
        if binary.exists():
            return str(binary), services.postgres_environment(tools)
    if found := shutil.which("psql"):
        return found, dict(os.environ)
    raise Failure("psql is not there. Next: install it (Debian: postgresql-client), or let scripts/services.py "
                  "install PostgreSQL: it does when AIFIRST_TEST_DATABASE_URL is not set.")


def masked(url: str) -> str:
    return re.sub(r"://[^@]*@", "://…@", url)
