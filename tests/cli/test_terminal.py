"""The commands as outsiders use them: a real process, a real vault, the real starter model."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.program import Snug


@pytest.fixture(scope="module")
def snug(tmp_path_factory: pytest.TempPathFactory) -> Snug:
    return Snug(tmp_path_factory.mktemp("terminal"))


def ask(snug: Snug, prompt: str, *more: str) -> Any:
    return snug.document("chat", "--prompt", prompt, "--temperature", "0", *more)


def test_an_answer_has_every_field_that_outsiders_read(snug: Snug) -> None:
    answer = ask(snug, "What is 2+2?")
    assert "4" in answer["text"]
    assert answer["stop_reason"] == "end"
    assert answer["usage"]["prompt_tokens"] > 5
    assert answer["usage"]["completion_tokens"] > 3
    assert answer["usage"]["cached_tokens"] == 0
    assert answer["timings"]["tokens_per_second"] > 0
    assert answer["timings"]["first_token_s"] > 0
    assert answer["timings"]["load_s"] > 0
    assert answer["placement"]["layers"] == 31
    assert answer["reasoning"] == ""
    shown = snug.document("conversations", "show", answer["conversation_id"])
    assert [m["role"] for m in shown["messages"]] == ["user", "assistant"]
    assert shown["messages"][1]["text"] == answer["text"]
    assert shown["messages"][1]["parent_id"] == shown["messages"][0]["id"]
    assert {m["status"] for m in shown["messages"]} == {"complete"}


def test_the_key_note_comes_once_and_on_stderr(tmp_path: Path) -> None:
    fresh = Snug(tmp_path)
    first = fresh.run("conversations", "list", "--json")
    assert json.loads(first.stdout) == []
    assert "key" in first.stderr
    assert fresh.run("conversations", "list", "--json").stderr == ""


def test_a_conversation_goes_on(snug: Snug) -> None:
    first = ask(snug, "My name is Ada.", "--max-tokens", "8")
    again = ask(snug, "And now?", "--max-tokens", "8", "--conversation", first["conversation_id"])
    assert again["conversation_id"] == first["conversation_id"]
    assert again["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"]
    listed = snug.document("conversations", "list")
    assert [c["message_count"] for c in listed if c["id"] == first["conversation_id"]] == [4]


def test_no_save_keeps_nothing(snug: Snug) -> None:
    before = snug.document("conversations", "list")
    answer = ask(snug, "Say hello.", "--no-save", "--max-tokens", "4")
    assert answer["conversation_id"] is None
    assert answer["stop_reason"] == "length"
    assert snug.document("conversations", "list") == before


def test_the_prompt_may_come_from_standard_input(snug: Snug) -> None:
    done = snug.run(
        "chat", "--prompt", "-", "--no-save", "--temperature", "0", stdin="What is 2+2?"
    )
    assert done.returncode == 0
    assert "4" in done.stdout


def test_lines_on_standard_input_are_a_conversation(snug: Snug) -> None:
    done = snug.run(
        "chat", "--no-save", "--temperature", "0", "--max-tokens", "12", stdin="What is 2+2?\nHi\n"
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()) >= 2


def test_answering_again_heeds_the_options_too(snug: Snug, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"const": 7}')
    done = snug.run(
        *("chat", "--no-save", "--schema", str(tmp_path / "schema.json")), stdin="Hi\n/again\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["7", "7"]


def test_the_same_seed_gives_the_same_answer(snug: Snug) -> None:
    one, two, other = (
        snug.document(
            *("chat", "--prompt", "Tell me a story.", "--no-save"),
            *("--temperature", "1.2", "--max-tokens", "24", "--seed", seed),
        )["text"]
        for seed in ("7", "7", "8")
    )
    assert one == two != other


def test_sampling_options_reach_the_answer(snug: Snug, tmp_path: Path) -> None:
    grammar = tmp_path / "yes.gbnf"
    grammar.write_text('root ::= ("yes" | "no") "!"')
    answer = ask(
        snug, "Is it?", "--no-save", "--grammar", str(grammar), "--logit-bias", "yes=-100",
        "--logit-bias", "no=5", "--min-p", "0", "--top-k", "5", "--dry-multiplier", "0.8",
        "--dry-breaker", "x", "--xtc-probability", "0.1", "--mirostat", "2", "--seed", "3",
    )  # fmt: skip
    assert answer["text"] == "no!"


def test_a_schema_holds_the_answer(snug: Snug, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(
        json.dumps(
            {
                "type": "object",
                "properties": {"city": {"enum": ["Paris", "Rome"]}, "sure": {"type": "boolean"}},
                "required": ["city", "sure"],
                "additionalProperties": False,
            }
        )
    )
    answer = ask(snug, "Capital of France?", "--no-save", "--schema", str(schema))
    found = json.loads(answer["text"])
    assert found["city"] in ("Paris", "Rome")
    assert isinstance(found["sure"], bool)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("chat", "nosuchmodel", "--prompt", "x"), "nosuchmodel"),
        (("chat", "/nowhere/model.gguf", "--prompt", "x"), "/nowhere/model.gguf"),
        (("chat", "--prompt", "  "), "empty"),
        (("chat", "--prompt", "x", "--temperature", "9"), "between"),
        (("chat", "--prompt", "x", "--context-length", "3"), "context"),
        (("chat", "--prompt", "x", "--schema", "/nowhere.json"), "schema"),
        (("chat", "--prompt", "x", "--grammar", "/nowhere.gbnf"), "grammar"),
        (("chat", "--prompt", "x", "--min-p", "nan"), "min_p must be between 0 and 1"),
        (("chat", "--prompt", "x", "--logit-bias", "yes"), "TOKEN=N"),
        (("chat", "--prompt", "x", "--adapter", "/nowhere.gguf:0.5"), "nowhere.gguf"),
        (("chat", "--prompt", "x", "--conversation", "nope"), "nope"),
        (("conversations", "show", "nope"), "nope"),
        (("conversations", "delete", "nope"), "nope"),
        (("models", "import", "/nowhere.gguf"), "/nowhere.gguf"),
        (("models", "remove", "nope"), "nope"),
    ],
)
def test_a_failure_is_one_line_and_code_1(
    snug: Snug, arguments: tuple[str, ...], words: str
) -> None:
    done = snug.run(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert words.casefold() in done.stderr.casefold()
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("nonsense",), ("chat", "--seed", "x"), ("models",)])
def test_wrong_usage_is_code_2(snug: Snug, arguments: tuple[str, ...]) -> None:
    done = snug.run(*arguments)
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_a_failed_question_leaves_no_empty_conversation(snug: Snug) -> None:
    before = snug.document("conversations", "list")
    snug.run("chat", "nosuchmodel", "--prompt", "x")
    snug.run("chat", "--prompt", "x", "--temperature", "9")
    assert snug.document("conversations", "list") == before


def test_ctrl_c_stops_the_answer_and_keeps_it(snug: Snug) -> None:
    child = snug.start("chat", "--prompt", "Write a very long story.", "--temperature", "0")
    assert child.stdout is not None
    assert child.stdout.read(10)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in err
    newest = snug.document("conversations", "list")[0]
    messages = snug.document("conversations", "show", newest["id"])["messages"]
    assert messages[1]["status"] == "stopped"
    assert len(messages[1]["text"]) >= 10
    assert out is not None


def test_kill_leaves_an_interrupted_answer(snug: Snug) -> None:
    child = snug.start("chat", "--prompt", "Write a very long poem.", "--temperature", "0")
    assert child.stdout is not None
    shown = child.stdout.read(40)
    child.kill()
    shown += child.communicate(timeout=30)[0]
    newest = snug.document("conversations", "list")[0]
    message = snug.document("conversations", "show", newest["id"])["messages"][1]
    assert message["status"] == "interrupted"
    assert message["text"].startswith(shown.rstrip("\n"))


def test_two_terminals_share_one_vault(snug: Snug) -> None:
    arguments = ("chat", "--prompt", "Tell me of the sea.", "--max-tokens", "24", "--json")
    children = [snug.start(*arguments) for _ in range(2)]
    answers = []
    for child in children:
        out, err = child.communicate(timeout=100)
        assert child.returncode == 0, err
        answers.append(json.loads(out))
    ids = {c["id"] for c in snug.document("conversations", "list")}
    assert {a["conversation_id"] for a in answers} <= ids


def test_search_finds_and_delete_removes(snug: Snug) -> None:
    answer = ask(snug, "The zanzibarine word is quixotry.", "--max-tokens", "2")
    hits = snug.document("conversations", "search", "quixot")
    assert [h["conversation_id"] for h in hits] == [answer["conversation_id"]]
    assert "quixotry" in hits[0]["snippet"]
    assert snug.run("conversations", "delete", answer["conversation_id"]).returncode == 0
    assert snug.document("conversations", "search", "quixot") == []


def test_models_are_listed_checked_imported_and_removed(snug: Snug, tmp_path: Path) -> None:
    (starter,) = snug.document("models", "list")
    assert starter["architecture"] == "llama"
    assert starter["size_bytes"] == 98_362_432
    assert starter["source"] == "starter"
    assert re.fullmatch("[0-9a-f]{64}", starter["sha256"])
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(Path(starter["path"]).read_bytes()[:50_000_000])
    check = snug.run("models", "check", str(copy), "--json")
    assert check.returncode == 1
    verdict = json.loads(check.stdout)
    assert verdict["ok"] is False
    assert verdict["problems"]
    sound = snug.document("models", "check", starter["path"])
    assert sound == {"ok": True, "problems": [], "warnings": []}
    refused = snug.run("models", "import", str(copy))
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) == 1
    whole = tmp_path / "whole.gguf"
    whole.symlink_to(starter["path"])
    added = snug.document("models", "import", str(whole))
    assert added["name"] in {m["name"] for m in snug.document("models", "list")}


def test_a_passphrase_file_opens_the_vault_and_nothing_else_does(tmp_path: Path) -> None:
    locked = Snug(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    made = locked.run("conversations", "list", "--json", SNUG_PASSPHRASE_FILE=str(secret))
    assert made.returncode == 0, made.stderr
    refused = locked.run("conversations", "list", "--json")
    assert refused.returncode == 1
    assert "passphrase" in refused.stderr.casefold()
    secret.write_text("wrong")
    wrong = locked.run("conversations", "list", "--json", SNUG_PASSPHRASE_FILE=str(secret))
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr


def test_doctor_reports(snug: Snug) -> None:
    report = snug.document("doctor")
    assert report["devices"][0]["kind"] == "cpu"
    assert report["devices"][0]["total_bytes"] > 2**20
    assert report["llama_cpp"]
    assert isinstance(report["problems"], list)


def test_options_stand_before_or_after_the_command(snug: Snug, tmp_path: Path) -> None:
    for arguments in (
        ("--data-dir", str(tmp_path / "a"), "--offline", "models", "list", "--json"),
        ("models", "list", "--json", "--data-dir", str(tmp_path / "b"), "--offline"),
    ):
        assert snug.run(*arguments).returncode == 0
    assert (tmp_path / "a").is_dir()
    assert (tmp_path / "b").is_dir()


def test_without_a_display_the_window_says_so_and_talks_in_the_terminal(tmp_path: Path) -> None:
    bare = Snug(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        bare.environment.pop(name, None)
    done = bare.run(stdin="What is 2+2?\n")
    assert done.returncode == 0, done.stderr
    assert "no display" in done.stderr
    assert done.stdout.strip()


def test_a_list_starts_quickly(snug: Snug) -> None:
    """Neither Qt nor llama.cpp nor the keyring is loaded for it."""
    began = time.monotonic()
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "snug", "models", "list"],
        env=snug.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stderr
    assert time.monotonic() - began < 30
    for heavy in ("PySide6", "llama_cpp", "numpy", "keyring", "huggingface_hub"):
        assert not re.search(rf"\| +{heavy}\b", loaded), heavy


def test_a_message_is_pinned_and_let_go(snug: Snug) -> None:
    answer = ask(snug, "Remember the blue door.", "--max-tokens", "2")
    talk = answer["conversation_id"]
    shown = snug.document("conversations", "show", talk)
    assert shown["summaries"] == []
    message = shown["messages"][0]["id"]
    pinned = snug.document("conversations", "pin", talk, message)
    assert pinned == {"id": message, "pinned": True}
    shown = snug.document("conversations", "show", talk)
    assert [m["pinned"] for m in shown["messages"]] == [True, False]
    assert snug.run("conversations", "unpin", talk, message).returncode == 0
    shown = snug.document("conversations", "show", talk)
    assert [m["pinned"] for m in shown["messages"]] == [False, False]
    assert "nope" in snug.run("conversations", "pin", talk, "nope").stderr


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--threads", "0", "choose 1 to 512"), ("--gpu-layers", "-1", "choose 0 to 1024")],
)
def test_loading_options_without_sense_are_refused(
    snug: Snug, option: str, value: str, told: str
) -> None:
    done = snug.run("chat", "--prompt", "Hello", "--no-save", option, value)
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_loading_options_are_for_one_call(snug: Snug) -> None:
    answer = ask(snug, "What is 2+2?", "--threads", "1", "--gpu-layers", "0", "--no-save")
    assert answer["placement"]["layers_on_gpu"] == 0
    assert answer["stop_reason"] == "end"
