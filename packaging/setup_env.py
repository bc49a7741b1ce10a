"""Makes .venv ready to run Snug: what `make run`, `make test` and `make gpu` call first.

    setup_env.py          what Snug needs to run
    setup_env.py --dev    and what the tests and checks need
    setup_env.py --gpu    and the Vulkan plug-in of llama.cpp

Runs on the system's Python with the standard library alone. Prints what it does, or one message
that says what is missing; the details are in a log.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from snug_setup import llama_wheel, system, venv
from snug_setup.errors import SetupError
from snug_setup.layout import ROOT


def lock_checkout(root: Path) -> int:
    """Lets one set-up at a time work in a checkout; returns the lock, held until exit.

    The commands that set-up runs inherit it: were set-up killed, the next one waits until what it
    had started no longer writes.
    """
    lock = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another set-up is at work in this checkout; waiting for it …", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)
    return lock


def end_like_ctrl_c(number: int, _frame: object) -> None:
    """Ends like an interruption from the keyboard, so that what set-up started ends too."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """Runs set-up; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_like_ctrl_c)
    parser = argparse.ArgumentParser(description="Sets up .venv for Snug.")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    parser.add_argument("--gpu", action="store_true", help="also the Vulkan plug-in")
    arguments = parser.parse_args()
    try:
        lock_checkout(ROOT)
        system.check_machine()
        compiler_needed = arguments.gpu or llama_wheel.built_wheel() is None
        system.refuse_missing(system.missing_packages(compiler_needed=compiler_needed))
        venv.set_up(dev=arguments.dev)
        if arguments.gpu:
            venv.add_vulkan()
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nSet-up could not go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the next run goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
