"""`snug` and `python -m snug`."""

from __future__ import annotations

import sys

from snug.guardian import Launch, guard, window_wanted
from snug.hardening import harden, take_from_environment


def main() -> int:
    """Start Snug; see `snug.app`. The window gets a guardian, and that before all else."""
    try:
        harden()
        token = take_from_environment("HF_TOKEN")
        launch = guard() if window_wanted(sys.argv[1:]) else Launch()
        if isinstance(launch, int):
            return launch
        from snug.app import main as run

        return run(launch=launch, hub_token=token)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
