"""What counts as free: the machine's memory, and every limit that is put on this process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from snug.engine.memory import available_bytes

GIB = 2**30


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """With 16 GiB free."""
    meminfo = f"MemTotal: 99999999 kB\nMemAvailable: {16 * GIB // 1024} kB\n"
    return _write(tmp_path, {"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n"})


def test_without_limits_it_is_what_the_machine_has(machine: Path) -> None:
    _write(machine, {"sys/fs/cgroup/a/b/memory.max": "max\n"})
    assert available_bytes(machine) == 16 * GIB


@pytest.mark.parametrize("folder", ["a/b/", "a/", ""])
def test_the_limit_of_its_own_group_and_of_each_above_counts(machine: Path, folder: str) -> None:
    group = f"sys/fs/cgroup/{folder}"
    _write(
        machine,
        {
            f"{group}memory.max": f"{3 * GIB}\n",
            f"{group}memory.current": f"{2 * GIB}\n",
            f"{group}memory.stat": f"anon 5\nactive_file {GIB // 2}\ninactive_file {GIB // 4}\n",
        },
    )
    assert available_bytes(machine) == GIB + GIB // 2 + GIB // 4


def test_the_other_kind_of_control_groups_counts(machine: Path) -> None:
    group = "sys/fs/cgroup/memory/job/"
    _write(
        machine,
        {
            "proc/self/cgroup": "5:devices:/x\n4:cpu,memory:/job\n0::/\n",
            f"{group}memory.limit_in_bytes": f"{4 * GIB}\n",
            f"{group}memory.usage_in_bytes": f"{3 * GIB}\n",
            f"{group}memory.stat": f"total_active_file 7\nactive_file {GIB}\n",
        },
    )
    assert available_bytes(machine) == GIB + 7


def test_a_group_that_is_over_its_limit_leaves_nothing(machine: Path) -> None:
    group = "sys/fs/cgroup/a/b/"
    _write(machine, {f"{group}memory.max": "5\n", f"{group}memory.current": "9\n"})
    assert available_bytes(machine) == 0


_LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.engine.asking import Asking
from tests.starter import starter_model
from snug.engine.host import EngineHost
from snug.engine.memory import available_bytes
host = EngineHost()
host.devices()
room = 200 * 2**20
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + room,) * 2)
assert room - 2**25 < available_bytes() <= room, available_bytes()
print(Asking(host, starter_model())("Hi").failure)
host.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is counted by /proc")
def test_a_model_that_a_limit_on_addresses_forbids_is_refused_with_the_right_numbers() -> None:
    """Row 55 of the threats."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, root],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = re.search(r" needs (\d+) MB and (\d+) MB are free. It fits with ", done.stdout)
    assert told is not None, done.stdout
    needed, free = map(int, told.groups())
    assert 230 > needed > free > 150
