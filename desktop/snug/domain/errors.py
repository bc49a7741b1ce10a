"""The one error tree.

Two kinds reach a person: what they can mend themselves (`UserError`) and what the machine is to
blame for (`EnvironmentFault`). Their text is shown as it is, so it names the cause, the numbers
and the next step. Anything else that is raised is a defect of ours and goes to the excepthook.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RemedyKind(StrEnum):
    """What one click can do about an error."""

    USE_CONTEXT = "use_context"  # load with a context of `value` tokens from now on
    USE_ISOLATED = "use_isolated"  # run models in a process of their own from now on
    RELEASE_QUARANTINE = "release_quarantine"  # give the model another chance
    OPEN_SETTINGS = "open_settings"


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something to do about an error; `value` is a number that it needs."""

    kind: RemedyKind
    value: int = 0


class SnugError(Exception):
    """Base of every error that Snug raises on purpose.

    Attributes:
        message: one or two sentences for the person: cause, numbers, what to do next.
        remedies: what can be done about it with one click, best first.
    """

    def __init__(self, message: str, remedies: tuple[Remedy, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedies = remedies


class UserError(SnugError):
    """Something the person can put right: a wrong name, a file that is no model, a bad number."""


class NotFoundError(UserError):
    """What was asked for is not there: a conversation, a message, a model."""


class ModelFileError(UserError):
    """A model file that is missing, cut short, damaged, or of a kind this build cannot run."""


class TemplateError(UserError):
    """The model's chat template is invalid, too slow or too large."""


class ContextOverflowError(UserError):
    """The newest message alone does not fit the context."""


class EnvironmentFault(SnugError):
    """The machine is to blame: disk, memory, network, driver."""


class DiskFullError(EnvironmentFault):
    """The disk has no room left; the work pauses and resumes when there is."""


class OutOfMemoryError(EnvironmentFault):
    """The model or its context does not fit the memory that is free."""


class VaultLockedError(UserError):
    """The vault needs a passphrase (or another key) that was not given."""


class WrongKeyError(UserError):
    """The passphrase or key does not open this vault."""


class VaultDamagedError(EnvironmentFault):
    """The database cannot be read; the damaged file is kept."""


class NewerSchemaError(UserError):
    """The vault was written by a newer Snug; this one refuses to touch it."""
