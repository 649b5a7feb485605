"""What all parts of the bench stand on: failures that tell what to do, commands, builds, the machine."""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
RESULTS = BENCH / "target" / "results"


class Failure(Exception):
    """Something a person can act on: printed without a traceback."""


def say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)


def output(command: list, **options) -> str:
    """What a command prints; a failure shows the end of what it said."""
    done = subprocess.run([str(part) for part in command], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        told = "\n".join((done.stderr or done.stdout).splitlines()[-20:])
        raise Failure(f"{command[0]} {' '.join(map(str, command[1:3]))} failed ({done.returncode}):\n{told}")
    return done.stdout


def first_line(command: list) -> str:
    """Of a command that tells a version; says so where there is none."""
    try:
        return output(command).splitlines()[0].strip()
    except (Failure, OSError, IndexError):
        return "not there"


def need_cargo() -> None:
    if not shutil.which("cargo"):
        raise Failure("cargo is not in PATH. Next: install Rust 1.94 or newer with rustup.")


def build(folder: Path, *arguments: str) -> Path:
    """Builds in release and returns the folder with what was built."""
    need_cargo()
    say(f"building {folder.relative_to(ROOT) if folder != ROOT else 'aifirst'} in release (once)")
    done = subprocess.run(["cargo", "build", "--release", "--quiet", "--locked", *arguments], cwd=folder)
    if done.returncode != 0:
        raise Failure(f"cargo could not build {folder}. Next: see its message above.")
    metadata = json.loads(output(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=folder))
    return Path(metadata["target_directory"]) / "release"


def built(folder: Path, *members: str) -> Path:
    """As `build`, of a workspace whose members stand on nothing outside of it: where no file of them is newer than their
    programs, cargo is not even asked."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or folder / "target") / "release"

    def is_fresh(member: str) -> bool:
        program = target / f"aifirst-bench-{member}"
        sources = [folder / member / "Cargo.toml", *(folder / member / "src").glob("*.rs")]
        return program.exists() and all(file.stat().st_mtime < program.stat().st_mtime for file in sources)

    return target if all(map(is_fresh, members)) else build(folder)


def given(program: Path) -> Path:
    """An aifirst that was named instead of built; what is none is refused before it is measured."""
    program = program.resolve()
    try:
        told = output([program, "--version"], timeout=20)
    except OSError as error:
        raise Failure(f"{program} cannot be run: {error.strerror}. Next: name a program of aifirst.") from None
    except (Failure, subprocess.TimeoutExpired):
        told = ""
    if not told.startswith("aifirst "):
        raise Failure(f"{program} is no aifirst: it does not tell its version. Next: name a program of aifirst.")
    return program


def need_writable(file: Path) -> None:
    """Asked before the run, not when it has been measured. The folder is made; what stands there is left as it is."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        was_there = file.exists()
        open(file, "a").close()
        if not was_there:
            file.unlink()
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}. Next: name another file.") from None


def commit(folder: Path = ROOT) -> str:
    """The commit that is measured, and whether the tree differs from it; an archive of the sources does not tell."""
    try:
        head = output(["git", "rev-parse", "--short", "HEAD"], cwd=folder).strip()
        changed = output(["git", "status", "--porcelain"], cwd=folder).strip()
    except (Failure, OSError):
        return "not known"
    return f"{head} with changes" if changed else head


def machine() -> dict:
    cpuinfo = Path("/proc/cpuinfo")
    models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines()
              if line.startswith("model name")] if cpuinfo.exists() else []
    return {
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": f"{os.cpu_count()} × {models[0] if models else platform.machine()}",
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "rust": first_line(["rustc", "--version"]),
        "node": first_line(["node", "--version"]),
        "python": platform.python_version(),
        "commit": commit(),
        # Where things lie on this machine is nobody's business.
        "command": " ".join(["bench/run", *(Path(word).name if "/" in word else word for word in sys.argv[1:])]),
    }


def save(name: str, results: dict) -> Path:
    """For `bench/run report`."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(results, indent=1))
    return file
