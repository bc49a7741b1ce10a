"""Parse, run one command, turn what went wrong into a line and an exit code."""

from __future__ import annotations

import os
import sys

from snug.cli.chat import INTERRUPTED
from snug.cli.output import say
from snug.cli.session import Session
from snug.cli.usage import WrongUsageError
from snug.domain.errors import SnugError

FAILED = 1
WRONG_USAGE = 2


def run_command(session: Session) -> int:
    """Run the command of the parsed options.

    Returns:
        0 done, 1 failed (told in one line on stderr), 2 wrong usage, 130 interrupted.
    """
    try:
        code: int = session.options.run(session)
        sys.stdout.flush()
        return code
    except WrongUsageError as error:
        say(error.message)
        return WRONG_USAGE
    except SnugError as error:
        say(" ".join(error.message.split()))
        return FAILED
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; keep the interpreter from complaining at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
