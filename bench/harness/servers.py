"""The servers that are compared, each started on a free port of this machine."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .base import BENCH, Failure, build, built, output, say
from .database import services
from .process import Process

PEERS = BENCH / "peers"


@dataclass
class Kit:
    """What servers are started from."""
    aifirst: Path
    reference: Path
    load: Path
    node: str | None
    """Why there is none, if there is none."""
    no_node: str = ""


def kit(binary: Path | None, with_node: bool = True) -> Kit:
    tools = built(BENCH, "load", "reference")
    if binary is None:
        binary = build(BENCH.parent, "--bin", "aifirst") / "aifirst"
    node, why = (None, "")
    if with_node:
        try:
            node = install_peers()
        except Failure as failure:
            why = " ".join(str(failure).split())[:300]
            say(f"no peers: {failure}")
    return Kit(binary, tools / "aifirst-bench-reference", tools / "aifirst-bench-load", node, why)


def install_peers() -> str:
    """Node, and beside the peers a link to their packages: installed once outside of the clone."""
    node = shutil.which("node")
    if not node:
        raise Failure("node is not in PATH. Next: install Node 20 or newer, with npm.")
    version = re.match(r"v(\d+)\.", output([node, "--version"]))
    if not version or int(version[1]) < 20:
        raise Failure("Node is older than 20, or does not tell its version. Next: install Node 20 or newer, with npm.")
    if not shutil.which("npm"):
        raise Failure("npm is not in PATH. Next: install it; it comes with Node (Debian: package npm).")

    def fill(new: Path) -> None:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(PEERS / name, new / name)
        output(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=new)

    installed = services.installed("bench-peers", PEERS / "package-lock.json", "the packages of bench/peers", fill)
    link = PEERS / "node_modules"
    if link.exists() and not link.is_symlink():
        raise Failure(f"{link} is no link. Next: remove it; this links the installed packages there.")
    link.unlink(missing_ok=True)
    link.symlink_to(installed / "node_modules")
    return node


def outside() -> dict:
    """The environment without settings of the product that are meant for others."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AIFIRST_")}


def start_aifirst(kit: Kit, folder: Path, settings: dict[str, str], config: str = "",
                  environment: dict[str, str] | None = None) -> Process:
    """With its defaults but for the settings; what limits one client is out of the way of a load from one."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "bench.toml").write_text(config)
    own = {"CONFIG": str(folder / "bench.toml"), "DATA_DIR": str(folder / "data"), "LISTEN": "127.0.0.1:0",
           "ADMIN_LISTEN": "127.0.0.1:0", "HTTP__COST_PER_MINUTE": "4000000000"}
    settings = {f"AIFIRST_{name}": value for name, value in (own | settings).items()}
    return Process([kit.aifirst, "serve"], folder, outside() | settings | (environment or {}), r"^GraphQL\s+http://([^/]+)/")


def migrate(kit: Kit, folder: Path, settings: dict[str, str]) -> None:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "bench.toml").write_text("")
    own = {"CONFIG": str(folder / "bench.toml"), "DATA_DIR": str(folder / "data")} | settings
    output([kit.aifirst, "migrate"], cwd=folder, env=outside() | {f"AIFIRST_{name}": value for name, value in own.items()})


def start_reference(kit: Kit, folder: Path, url: str) -> Process:
    environment = outside() | {"DATABASE_URL": url, "LISTEN": "127.0.0.1:0"}
    return Process([kit.reference], folder, environment, r"^listening (\S+)")


def start_peer(kit: Kit, name: str, folder: Path, url: str) -> Process:
    if kit.node is None:
        raise Failure(kit.no_node)
    environment = outside() | {"DATABASE_URL": url, "NODE_ENV": "production", "PORT": "0"}
    return Process([kit.node, PEERS / f"{name}.js"], folder, environment, r"^listening (\S+)")


NAMES = ("reference", "aifirst", "aifirst-sqlite", "mercurius", "apollo", "yoga", "postgraphile")
"""In the order of the table. `reference` is compared with a second one of itself: what is not 1 is noise."""


def request_kind(name: str) -> str:
    return {"reference": "reference", "apollo": "apollo", "postgraphile": "postgraphile"}.get(name, "graphql")


def version(name: str) -> str:
    """Of a peer, as its lock file pins it."""
    import json
    package = {"apollo": "@apollo/server", "yoga": "graphql-yoga"}.get(name, name)
    lock = json.loads((PEERS / "package-lock.json").read_text())
    return lock["packages"].get(f"node_modules/{package}", {}).get("version", "")
