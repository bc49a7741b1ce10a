from __future__ import annotations

import subprocess
import sys

import pytest
from tests.vault.conftest import Home

SCAN = '''
import gc, pathlib, sys
from snug.vault.vault import Vault

MASK = 0x5A
folder, keys_folder, ending = map(str, sys.argv[1:])


def hits(masked):
    """How often the key is in the process's own writable memory, raw and as digits."""
    found = {"raw": 0, "digits": 0}
    needles = {"raw": masked, "digits": bytes(b ^ MASK for b in unmask(masked).hex().encode())}
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in pathlib.Path("/proc/self/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if "rw" not in rights or "[v" in line:
                continue
            start, end = (int(edge, 16) for edge in span.split("-"))
            memory.seek(start)
            try:
                content = memory.read(end - start)
            except OSError:
                continue
            masked_content = content.translate(bytes(b ^ MASK for b in range(256)))
            del content
            for name, needle in needles.items():
                found[name] += masked_content.count(needle)
    return found


def unmask(masked):
    return bytes(b ^ MASK for b in masked)


vault = Vault.open(pathlib.Path(folder), pathlib.Path(keys_folder), keyring_allowed=False)
masked = bytes(b ^ MASK for b in vault._key.raw)
vault.conversations.summaries()
if ending == "closed":
    vault.close()
    del vault
    gc.collect()
print(hits(masked))
'''


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/mem")
@pytest.mark.parametrize(("ending", "wanted"), [("open", False), ("closed", True)])
def test_a_closed_vault_leaves_no_key_in_memory(home: Home, ending: str, wanted: bool) -> None:
    home.open().close()
    done = subprocess.run(
        [sys.executable, "-c", SCAN, str(home.folder), str(home.keys), ending],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout.strip() == "{'raw': 0, 'digits': 0}") is wanted, done.stdout
