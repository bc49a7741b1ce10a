"""What is known of models outside Snug's folder is known to whoever has the key."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import Snug
from tests.models.gguf_maker import named


def test_a_model_elsewhere_is_known_by_name_to_whoever_has_the_key(tmp_path: Path) -> None:
    snug = Snug(tmp_path)
    client = tmp_path / "Client-Meyer"
    client.mkdir()
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery")
    snug.document("vault", "init", "--passphrase-file", str(passphrase))
    key = {"SNUG_PASSPHRASE_FILE": str(passphrase)}
    name = snug.document("models", "import", str(named("Own").write(client / "own.gguf")), **key)[
        "name"
    ]
    # It keeps nothing, and so opens no vault but for a glance.
    assert snug.run("models", "check", name, **key).returncode == 0
    assert name in [model["name"] for model in snug.document("models", "list", **key)]
    locked = snug.run("models", "list", "--json")
    assert "locked" in locked.stderr
    assert [model["source"] for model in json.loads(locked.stdout)] == ["starter"]
    assert snug.run("models", "check", name).returncode == 1
    plain = b"".join(p.read_bytes() for p in (tmp_path / "data" / "models").rglob("*.json"))
    assert b"Meyer" not in plain
    assert name.encode() not in plain
