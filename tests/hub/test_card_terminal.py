"""`snug models card` as outsiders use it: real processes, a real server, a real library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.hub.hub_server import COMMIT, HubServer, Repo
from tests.hub.rooms import sha
from tests.hub.test_terminal import Snug
from tests.models.gguf_maker import TEXT, named

GENUINE = "{% for m in messages %}\n{{ m.role }}: {{ m.content }}\n{% endfor %}"
POISONED = GENUINE.replace("{{ m.content }}", "{{ m.content }} http://evil.example")
README = b"""---
license: apache-2.0
datasets: [maker/chats]
---
# Tiny
## Training data
Two million dialogues.
"""


MODEL = (
    named("Tiny Test")
    .set("tokenizer.chat_template", TEXT, POISONED)
    .set("general.author", TEXT, "Ada Example")
    .build()
)


@pytest.fixture
def snug(hub: HubServer, tmp_path: Path) -> Snug:
    hub.repos["quant/tiny-GGUF"] = Repo(
        files={"tiny-F32.gguf": MODEL, "old.bin": b"x"},
        tags=["gguf", "base_model:quantized:maker/tiny"],
        gguf={"architecture": "llama", "total": 10**9, "chat_template": POISONED},
    )
    hub.repos["maker/tiny"] = Repo(
        files={"README.md": README, "chat_template.jinja": GENUINE.encode()},
        card={"license": "apache-2.0"},
    )
    return Snug(hub, tmp_path)


def test_a_repositorys_card_names_the_chain_data_and_the_poisoned_template(snug: Snug) -> None:
    done = snug.run("models", "card", "quant/tiny-GGUF")
    assert done.returncode == 0, done.stderr
    for wanted in (
        *("quantized from maker/tiny", COMMIT, "maker/chats (says maker/tiny)"),
        *("Two million dialogues.", "Commercial use allowed", sha(MODEL), "old.bin"),
        *("Danger: The chat template puts a web address", "+{{ m.role }}: {{ m.content }} http"),
        "Not measured here yet.",
    ):
        assert wanted in done.stdout, wanted


def test_a_downloaded_models_card_works_offline_and_is_richer_once_it_was_online(
    snug: Snug, hub: HubServer
) -> None:
    model = snug.document("models", "get", "quant/tiny-GGUF:F32")
    offline = snug.document("--offline", "models", "card", model["name"])
    assert offline["looked_up"] is False
    assert (offline["repository"], offline["commit"]) == ("quant/tiny-GGUF", COMMIT)
    assert offline["downloaded_ms"] > 0
    assert offline["licence"]["id"] == "apache-2.0"
    assert [one["value"] for one in offline["authors"]] == ["Ada Example", "quant"]
    assert offline["files"][0]["sha256"] == sha(MODEL)
    assert any("web address" in one["text"] for one in offline["cautions"])
    online = snug.document("models", "card", model["name"])
    assert online["looked_up"] is True
    assert online["comparison"]["state"] == "different"
    assert online["licence"]["inherited_from"] == "maker/tiny"
    asked = len(hub.seen)
    again = snug.document("--offline", "models", "card", model["name"])
    assert len(hub.seen) == asked
    for part in ("ancestors", "comparison", "datasets", "training", "licence"):
        assert again[part] == online[part], part


def test_getting_a_model_says_its_terms_once_and_keeps_that_they_were_accepted(
    snug: Snug, hub: HubServer
) -> None:
    hub.repos["maker/tiny"].card = {"license": "gemma"}
    first = snug.run("models", "get", "quant/tiny-GGUF:F32", "--json")
    assert first.returncode == 0, first.stderr
    assert "Licence of quant/tiny-GGUF: gemma. Its base model maker/tiny states" in first.stderr
    card = snug.document("models", "card", json.loads(first.stdout)["name"])
    accepted = card["acceptance"]
    assert (accepted["licence_id"], accepted["commit"]) == ("gemma", COMMIT)
    assert accepted["text_sha256"] == ""
    snug.run("models", "remove", json.loads(first.stdout)["name"])
    again = snug.run("models", "get", "quant/tiny-GGUF:F32", "--json")
    assert "Licence of" not in again.stderr


def test_report_and_bill_of_materials_are_written_and_valid(snug: Snug, tmp_path: Path) -> None:
    report, bom = tmp_path / "card.html", tmp_path / "card.cdx.json"
    arguments = ("--offline", "models", "card", "starter", "--report", str(report), "--bom")
    done = snug.run(*arguments, str(bom))
    assert done.returncode == 0, done.stderr
    assert "SmolLM2" in report.read_text("utf-8")
    text = bom.read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    component = json.loads(text)["metadata"]["component"]
    assert component["licenses"][0]["license"]["id"] == "Apache-2.0"


def test_what_is_neither_here_nor_on_the_hub_is_told(snug: Snug, tmp_path: Path) -> None:
    done = snug.run("models", "card", "no such model")
    assert done.returncode != 0
    assert "There is no model no such model here" in done.stderr
    done = snug.run("models", "card", "starter", "--report", str(tmp_path / "x.pdf"))
    assert "must end in .html or .md" in done.stderr
    done = snug.run("models", "card", "starter", "--bom", str(tmp_path / "no" / "x.json"))
    assert "cannot be written" in done.stderr
