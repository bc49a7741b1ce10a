"""The cache of built files: complete or absent, built once, rebuilt when damaged."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from snug_setup import llama_wheel, vulkan
from snug_setup.cache import Cache
from snug_setup.layout import cache_dir

SHA = "0" * 64
FLAGS = ("-DA=ON", "-DB=OFF")


class Builder:
    """Builds a small file and counts how often."""

    def __init__(self, content: bytes = b"wheel") -> None:
        self.built = 0
        self._content = content

    def __call__(self, workshop: Path) -> Path:
        self.built += 1
        path = workshop / "a.whl"
        path.write_bytes(self._content)
        return path


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "wheels")


def test_key_stays_for_the_same_build() -> None:
    key = llama_wheel.cache_key(SHA, FLAGS, "x86_64", "glibc-2.36")
    assert key == llama_wheel.cache_key(SHA, list(FLAGS), "x86_64", "glibc-2.36")


@pytest.mark.parametrize(
    "other",
    [
        llama_wheel.cache_key("1" * 64, FLAGS, "x86_64", "glibc-2.36"),
        llama_wheel.cache_key(SHA, ("-DA=ON",), "x86_64", "glibc-2.36"),
        llama_wheel.cache_key(SHA, FLAGS, "aarch64", "glibc-2.36"),
        llama_wheel.cache_key(SHA, FLAGS, "x86_64", "glibc-2.41"),
        llama_wheel.cache_key(SHA, FLAGS, "x86_64", "glibc-2.36", recipe=99),
    ],
    ids=["source", "flags", "machine", "libc", "recipe"],
)
def test_key_changes_with_what_makes_another_file(other: str) -> None:
    assert other != llama_wheel.cache_key(SHA, FLAGS, "x86_64", "glibc-2.36")


def test_plugin_and_wheel_have_keys_of_their_own() -> None:
    assert vulkan.this_key() != llama_wheel.this_key()


def test_a_build_is_used_again(cache: Cache) -> None:
    build = Builder()
    first = cache.get("key", "*.whl", build)
    assert cache.get("key", "*.whl", build) == first
    assert first.read_bytes() == b"wheel"
    assert build.built == 1


def test_keys_do_not_share_a_build(cache: Cache) -> None:
    build = Builder()
    assert cache.get("one", "*.whl", build) != cache.get("other", "*.whl", build)
    assert build.built == 2


@pytest.mark.parametrize("damage", [b"", b"whee", b"wheal"])
def test_a_damaged_file_is_built_again(cache: Cache, damage: bytes) -> None:
    build = Builder()
    cache.get("key", "*.whl", build).write_bytes(damage)
    assert cache.find("key", "*.whl") is None
    assert cache.get("key", "*.whl", build).read_bytes() == b"wheel"
    assert build.built == 2


def test_a_failed_build_leaves_nothing(cache: Cache, tmp_path: Path) -> None:
    def fail(workshop: Path) -> Path:
        (workshop / "half").write_bytes(b"x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.get("key", "*.whl", fail)
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["key.lock"]
    assert cache.get("key", "*.whl", Builder()).is_file()


def test_what_a_killed_build_left_is_removed(cache: Cache, tmp_path: Path) -> None:
    left = tmp_path / "wheels" / ".new-key-dead"
    left.mkdir(parents=True)
    cache.get("key", "*.whl", Builder())
    assert not left.exists()


def test_set_ups_at_the_same_time_build_once(cache: Cache) -> None:
    together = threading.Barrier(2)
    build = Builder()

    def set_up() -> None:
        together.wait(timeout=10)
        cache.get("key", "*.whl", build)

    threads = [threading.Thread(target=set_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert build.built == 1


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_an_invalid_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache_dir() == Path.home() / ".cache" / "snug"


def test_the_cache_is_where_the_user_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "snug"


def test_compilers_at_once_fit_the_memory() -> None:
    assert llama_wheel.compile_jobs(memory_bytes=100 << 20) == 1
    assert 1 <= llama_wheel.compile_jobs(memory_bytes=2 << 30) <= 2
