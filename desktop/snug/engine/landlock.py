"""Landlock: this process may open the files it was told of, and no others.

Source: landlock(7); linux/landlock.h. Rights that an older kernel does not know are left out.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
from collections.abc import Iterable

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every processor
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_OF_ABI_1 = 2**13 - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 2**13, 2**14, 2**15  # since ABI 2, 3 and 5
_TCP = 3  # bind and connect, since ABI 4
_SCOPES = 3  # abstract sockets and signals to other processes, since ABI 6
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

LIST = _READ_DIR
READ = _READ_FILE | _READ_DIR
RUN = READ | _EXECUTE
USE_DEVICE = READ | _WRITE_FILE | _IOCTL_DEV
WRITE = _ALL_OF_ABI_1 | _REFER | _TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # CPython 3.14 wants packed structures to say so
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version(libc: ctypes.CDLL) -> int:
    """The kernel's Landlock ABI; 0 where it has none."""
    return max(0, _call(libc, _CREATE, 0, 0, _VERSION_FLAG))


def confine_files(libc: ctypes.CDLL, allowed: Iterable[tuple[str, int]]) -> bool:
    """Keep this thread, and all it will start, to these (path, rights); cannot be undone.

    Needs PR_SET_NO_NEW_PRIVS. Paths that do not exist are passed over.
    Returns: False where the kernel cannot do it.
    """
    version = landlock_version(libc)
    if version == 0:
        return False
    handled = _handled(version)
    ruleset = _Ruleset(handled, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _call(libc, _CREATE, ctypes.addressof(ruleset), size, 0)
    if rules < 0:
        return False
    try:
        for path, rights in allowed:
            with contextlib.suppress(OSError):
                _allow(libc, rules, path, rights & handled)
        return _call(libc, _RESTRICT_SELF, rules, 0, 0) == 0
    finally:
        os.close(rules)


def _handled(version: int) -> int:
    since = ((1, _ALL_OF_ABI_1), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
    return sum(rights for abi, rights in since if version >= abi)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= _OF_FILES  # the kernel refuses a folder's rights on a file
        rule = _PathBeneath(rights, target)
        _call(libc, _ADD_RULE, rules, _RULE_PATH_BENEATH, ctypes.addressof(rule), 0)
    finally:
        os.close(target)


def _call(libc: ctypes.CDLL, number: int, *arguments: int) -> int:
    libc.syscall.restype = ctypes.c_long
    return int(libc.syscall(*(ctypes.c_long(value) for value in (number, *arguments))))
