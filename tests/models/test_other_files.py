"""Threat 33: things that are no GGUF, or no file at all, get a sentence and nothing hangs."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import socket
import zipfile
from pathlib import Path

import pytest
from tests.models.gguf_maker import sound
from tests.models.measure import best_seconds

from snug.models.damage import Damage
from snug.models.files import GgufFile
from snug.models.inspection import inspect, problems


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", b"x" * 1000)
    return buffer.getvalue()


_SAFETENSORS = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
CONTENTS = {
    "HTML": (b"\n  <!DOCTYPE html><html><body>404</body></html>", "web page"),
    "HTML without type": (b"<HTML><head>", "web page"),
    "XML error": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML"),
    "Git LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        "git lfs pull",
    ),
    "pickle": (pickle.dumps({"weights": [1.0] * 100}), "pickle"),
    "old pickle": (pickle.dumps([1], protocol=2), "pickle"),
    "zip": (_zip(), "zip"),
    "gzip": (gzip.compress(sound().build()), "gzip"),
    "safetensors": (len(_SAFETENSORS).to_bytes(8, "little") + _SAFETENSORS, "safetensors"),
    "JSON": (b'{"error": "Repository not found"}', "JSON"),
    "PDF": (b"%PDF-1.7\n", "PDF"),
    "text": (b"just words", "letters GGUF"),
    "lower case": (b"gguf" + bytes(100), "letters GGUF"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_other_content_is_told_as_what_it_is(kind: str, tmp_path: Path) -> None:
    content, says = CONTENTS[kind]
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    found = inspect(path).problems
    assert [problem.damage for problem in found] == [Damage.NOT_GGUF]
    assert says in found[0].text


def test_at_most_64_kib_of_another_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_bytes(b"<html>" + b"x" * 10_000_000)
    before = _bytes_read()
    inspect(path)
    assert _bytes_read() - before < 64 * 1024


def _bytes_read() -> int:
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    found = inspect(tmp_path / "nowhere.gguf").problems
    assert [problem.damage for problem in found] == [Damage.MISSING]
    assert "nowhere.gguf" in found[0].text


def test_a_file_taken_for_a_folder_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert inspect(tmp_path / "file" / "x.gguf").problems[0].damage is Damage.MISSING


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert problems(tmp_path) == (
        "This is a folder, not a file. Choose a file that ends in .gguf.",
    )


@pytest.mark.alone
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    os.mkfifo(path)
    assert inspect(path).problems[0].damage is Damage.NOT_A_FILE
    assert best_seconds(lambda: inspect(path)) < 0.05


def test_a_device_is_not_read() -> None:
    assert inspect(Path("/dev/zero")).problems[0].damage is Damage.NOT_A_FILE


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may be only 107 bytes long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("model.gguf")
        assert inspect(Path("model.gguf")).problems[0].damage is Damage.NOT_A_FILE


def test_a_file_of_the_kernel_without_length_is_empty() -> None:
    assert inspect(Path("/proc/self/status")).problems[0].damage is Damage.EMPTY


def test_a_loop_of_links_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.symlink_to(path)
    assert inspect(path).problems[0].damage is Damage.UNREADABLE


@pytest.mark.parametrize("name", ["x" * 300 + ".gguf", "nul\0.gguf"])
def test_an_impossible_path_is_told(name: str, tmp_path: Path) -> None:
    assert inspect(tmp_path / name).problems[0].damage is Damage.UNREADABLE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    path = sound().write(tmp_path / "model.gguf")
    path.chmod(0)
    assert inspect(path).problems[0].damage is Damage.UNREADABLE


def test_a_link_to_a_model_is_followed(tmp_path: Path) -> None:
    path = sound().write(tmp_path / "blob")
    link = tmp_path / "model.gguf"
    link.symlink_to(path)
    assert problems(link) == ()


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = sound().write(tmp_path / "model.gguf")
    with GgufFile(path) as file:
        assert file.unchanged()
        with path.open("ab") as more:
            more.write(b"x")
        assert not file.unchanged()


def test_a_file_cut_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = sound().write(tmp_path / "model.gguf")
    with GgufFile(path) as file:
        os.truncate(path, 4000)
        assert not file.unchanged()
        with pytest.raises(Exception, match="cut short"):
            list(file.strings("tokenizer.ggml.tokens"))


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    good = sound().write(tmp_path / "good.gguf")
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(3))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        inspect(good)
        inspect(bad)
        inspect(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
