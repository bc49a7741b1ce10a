"""`snug profiles` and `--profile`, as outsiders use them."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import Snug


def test_profiles_are_made_used_renamed_and_deleted(tmp_path: Path) -> None:
    snug = Snug(tmp_path)
    made = snug.document("profiles", "create", "Evening")
    assert made == {"id": made["id"], "name": "Evening", "current": False}
    snug.document("folders", "create", "first's own")
    assert snug.document("folders", "list", "--profile", "evening") == []
    assert [f["name"] for f in snug.document("--profile", "Profile 1", "folders", "list")] == [
        "first's own"
    ]
    listed = snug.document("--profile", made["id"], "profiles", "list")
    assert [(p["name"], p["current"]) for p in listed] == [("Profile 1", False), ("Evening", True)]
    assert snug.document("profiles", "rename", "Evening", "Night")["name"] == "Night"
    refused = snug.run("profiles", "delete", "Night")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert snug.document("profiles", "delete", "Night", "--yes") == {"deleted": made["id"]}
    gone = snug.run("--profile", "Night", "folders", "list")
    assert gone.returncode == 1
    assert "There is no profile called Night" in gone.stderr
