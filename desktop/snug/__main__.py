"""`snug` and `python -m snug`."""

from __future__ import annotations

import sys


def main() -> int:
    """Start Snug; see `snug.app`."""
    try:
        from snug.app import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
