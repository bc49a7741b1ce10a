"""Other programs' models are found where they lie, and nothing that is said of them is believed."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path

import pytest
from tests.models import programs
from tests.models.gguf_maker import TEXT, named, sound

from snug.domain.adoption import Found, Program
from snug.domain.errors import ModelFileError
from snug.models.adoption.licence_text import licence_in
from snug.models.adoption.places import Machine, folders
from snug.models.adoption.walking import LEADS_OUT, UNFINISHED
from snug.models.library import Library


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def library(folder: Path, home: Path) -> Library:
    return Library(folder, lambda: None, lambda: Machine(home, {}, "linux", home / "system"))


def usable(found: tuple[Found, ...]) -> list[Found]:
    return [one for one in found if not one.problem]


# Places.


@pytest.mark.parametrize(
    ("platform", "environment", "program", "place"),
    [
        ("linux", {}, Program.LM_STUDIO, ".lmstudio/models"),
        ("linux", {}, Program.LM_STUDIO, ".cache/lm-studio/models"),
        ("linux", {}, Program.HUGGING_FACE, ".cache/huggingface/hub"),
        ("linux", {"HF_HUB_CACHE": "~/hub"}, Program.HUGGING_FACE, "hub"),
        ("linux", {"HF_HOME": "~/hf"}, Program.HUGGING_FACE, "hf/hub"),
        ("linux", {}, Program.OLLAMA, ".ollama/models"),
        ("linux", {"OLLAMA_MODELS": "~/big"}, Program.OLLAMA, "big"),
        ("linux", {}, Program.OLLAMA, "system/usr/share/ollama/.ollama/models"),
        ("linux", {}, Program.JAN, ".local/share/Jan/data/llamacpp/models"),
        ("darwin", {}, Program.JAN, "Library/Application Support/Jan/data/llamacpp/models"),
        ("win32", {"APPDATA": "~/Roaming"}, Program.JAN, "Roaming/Jan/data/llamacpp/models"),
        ("linux", {}, Program.GPT4ALL, ".local/share/nomic.ai/GPT4All"),
        ("darwin", {}, Program.GPT4ALL, "Library/Application Support/nomic.ai/GPT4All"),
        ("win32", {"LOCALAPPDATA": "~/Local"}, Program.GPT4ALL, "Local/nomic.ai/GPT4All"),
    ],
)
def test_each_program_is_looked_for_where_it_keeps_models(
    home: Path, platform: str, environment: dict[str, str], program: Program, place: str
) -> None:
    (home / place).mkdir(parents=True)
    found = folders(Machine(home, environment, platform, home / "system"))
    assert found[program] == (home / place,)
    assert sum(map(len, found.values())) == 1


def test_a_folder_that_a_program_was_told_to_use_is_found(home: Path) -> None:
    chosen = [home / name for name in ("lm/models", "jan/llamacpp/models", "gpt")]
    for path in chosen:
        path.mkdir(parents=True)
    (home / ".lmstudio-home-pointer").write_text(f"{home / 'lm'}\n")
    settings = home / ".local" / "share" / "Jan"
    settings.mkdir(parents=True)
    (settings / "settings.json").write_text(json.dumps({"data_folder": str(home / "jan")}))
    config = home / ".config" / "nomic.ai"
    config.mkdir(parents=True)
    (config / "GPT4All.ini").write_text(f"[General]\nmodelPath={home / 'gpt'}\n")
    found = folders(Machine(home, {}, "linux", home / "system"))
    assert [found[p][0] for p in (Program.LM_STUDIO, Program.JAN, Program.GPT4ALL)] == chosen


def test_a_variable_of_the_hugging_face_cache_rules_out_the_usual_place(home: Path) -> None:
    (home / ".cache" / "huggingface" / "hub").mkdir(parents=True)
    assert folders(Machine(home, {"HF_HUB_CACHE": "/nowhere"}))[Program.HUGGING_FACE] == ()


@pytest.mark.parametrize("text", ["[1]", "{", '{"data_folder": 3}', '{"data_folder": "relative"}'])
def test_spoilt_settings_of_a_program_are_as_none(home: Path, text: str) -> None:
    settings = home / ".local" / "share" / "Jan"
    settings.mkdir(parents=True)
    (settings / "settings.json").write_text(text)
    assert folders(Machine(home, {}, "linux", home / "system"))[Program.JAN] == ()


# Each program.


def test_lm_studios_models_name_their_repository(library: Library, home: Path) -> None:
    programs.lm_studio(home)
    tiny, split = usable(library.look())
    assert (tiny.name, tiny.quantization) == ("Tiny Q4_K_M", "Q4_K_M")
    assert (tiny.source, tiny.licence) == ("lmstudio-community/Tiny-GGUF", "apache-2.0")
    assert tiny.projector is not None
    assert tiny.projector.name == "mmproj-Tiny-F16.gguf"
    assert (split.files, split.path.name) == (3, "split-00001-of-00003.gguf")
    parts = split.path.parent.iterdir()
    assert split.size_bytes == sum(part.stat().st_size for part in parts)


def test_what_cannot_be_used_is_listed_with_the_reason(library: Library, home: Path) -> None:
    programs.lm_studio(home)
    problems = {one.path.name: one.problem for one in library.look() if one.problem}
    assert problems["Tiny-Q8_0.gguf.part"] == UNFINISHED
    assert "web page" in problems["page.gguf"]
    assert len(problems) == 2


def test_the_hugging_face_cache_tells_repository_and_commit(library: Library, home: Path) -> None:
    path = programs.cached(home)
    (one,) = library.look()
    assert (one.path, one.source, one.commit) == (path, "owner/Cached-GGUF", programs.COMMIT)
    model = library.adopt(one)
    assert (model.path, model.source, model.commit) == (str(path), one.source, one.commit)
    assert model.sha256 == path.resolve().name == one.expected
    assert model.program == "Hugging Face cache"


def test_a_cache_without_links_is_read_as_well(library: Library, home: Path) -> None:
    path = programs.cached(home, links=False)
    (one,) = library.look()
    assert (one.path, one.source, one.problem) == (path, "owner/Cached-GGUF", "")


def test_a_blob_that_two_revisions_share_is_one_model(library: Library, home: Path) -> None:
    path = programs.cached(home)
    other = path.parent.with_name("f" * 40)
    other.mkdir()
    (other / path.name).symlink_to(Path("../../blobs") / path.resolve().name)
    assert len(library.look()) == 1


def test_a_download_of_the_caches_that_goes_on_is_told(library: Library, home: Path) -> None:
    path = programs.cached(home)
    (path.resolve().parent / f"{'a' * 64}.incomplete").write_bytes(b"GGUF")
    assert [one.problem for one in library.look()] == ["", UNFINISHED]


def test_ollamas_manifest_gives_name_quantization_and_licence(library: Library, home: Path) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    (one,) = library.look()
    assert one.path == blob
    assert (one.name, one.quantization, one.licence) == ("tiny 3b Q4_0", "Q4_0", "apache-2.0")
    model = library.adopt(one)
    assert (model.name, model.licence, model.program) == ("tiny 3b Q4_0", "apache-2.0", "Ollama")
    assert library.models() == (model,)


def test_ollamas_model_of_the_hub_names_its_repository(library: Library, home: Path) -> None:
    programs.ollama(home / ".ollama" / "models", "hf.co/owner/Tiny-GGUF/Q4_0")
    (one,) = library.look()
    assert (one.name, one.source) == ("Tiny-GGUF Q4_0", "owner/Tiny-GGUF")


def test_a_blob_that_is_not_what_its_name_says_is_refused(library: Library, home: Path) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    (one,) = library.look()
    with pytest.raises(ModelFileError, match="is not what Ollama says"):
        library.adopt(one)
    assert library.models() == ()


def test_a_blob_shorter_than_its_manifest_says_is_told(library: Library, home: Path) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    blob.write_bytes(blob.read_bytes()[:-1])
    (one,) = library.look()
    assert "cut short" in one.problem


@pytest.mark.parametrize(("partial", "words"), [(True, "not finished"), (False, "is not there")])
def test_a_manifest_without_its_blob_is_told(
    library: Library, home: Path, partial: bool, words: str
) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    blob.unlink()
    if partial:
        blob.with_name(f"{blob.name}-partial").write_bytes(b"GGUF")
    (one,) = library.look()
    assert words in one.problem


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "[" * 100_000, '{"layers": 3}', '{"layers": [3, {"digest": 5}]}'),
        '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "../../x"}]}',
    ],
)
def test_a_spoilt_manifest_names_no_model(library: Library, home: Path, text: str) -> None:
    root = home / ".ollama" / "models"
    programs.ollama(root)
    (root / "manifests/registry.ollama.ai/library/tiny/3b").write_text(text)
    assert library.look() == ()


def test_jans_list_gives_name_hash_and_projector(library: Library, home: Path) -> None:
    path = programs.jan(home / ".local" / "share" / "Jan" / "data")
    (one,) = library.look()
    assert (one.path, one.name, one.quantization) == (path, "Jan Tiny Q6_K", "Q6_K")
    assert one.projector == path.with_name("mmproj.gguf")
    assert library.adopt(one).sha256 == one.expected


def test_a_file_that_jan_only_points_to_is_not_taken_from_there(
    library: Library, home: Path, tmp_path: Path
) -> None:
    path = programs.jan(home / ".local" / "share" / "Jan" / "data")
    outside = named("Outside").write(tmp_path / "outside.gguf")
    config = path.with_name("model.yml")
    config.write_text(f"model_path: {outside}\nname: outside\n")
    problems = {one.path: one.problem for one in library.look()}
    assert problems[outside] == LEADS_OUT


def test_gpt4alls_unfinished_files_are_told_apart(library: Library, home: Path) -> None:
    path = programs.gpt4all(home / ".local" / "share" / "nomic.ai" / "GPT4All")
    model, unfinished = library.look()
    assert (model.path, model.problem) == (path, "")
    assert unfinished.problem == UNFINISHED


# Links.


def test_a_link_out_of_the_programs_folder_is_not_followed(
    library: Library, home: Path, tmp_path: Path
) -> None:
    root = programs.lm_studio(home)
    outside = tmp_path / "outside"
    outside.mkdir()
    named("Outside").write(outside / "outside.gguf")
    (root / "maker" / "linked.gguf").symlink_to(outside / "outside.gguf")
    (root / "linked").symlink_to(outside)
    found = {one.path.name: one.problem for one in library.look()}
    assert found["linked.gguf"] == LEADS_OUT
    assert "outside.gguf" not in found


def test_a_snapshot_that_leads_out_of_its_blobs_is_not_followed(
    library: Library, home: Path, tmp_path: Path
) -> None:
    path = programs.cached(home)
    path.unlink()
    path.symlink_to(named("Outside").write(tmp_path / "outside.gguf"))
    (one,) = library.look()
    assert one.problem == LEADS_OUT


def test_a_blob_of_ollamas_that_leads_out_is_not_followed(
    library: Library, home: Path, tmp_path: Path
) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    moved = blob.rename(tmp_path / "moved.gguf")
    blob.symlink_to(moved)
    (one,) = library.look()
    assert one.problem == LEADS_OUT


def test_a_folder_that_is_linked_into_itself_ends(library: Library, home: Path) -> None:
    root = programs.lm_studio(home)
    (root / "maker" / "again").symlink_to(root)
    assert len(usable(library.look())) == 2


def test_a_folder_that_may_not_be_read_hides_no_other_program(
    library: Library, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = programs.ollama(home / ".ollama" / "models")
    programs.gpt4all(home / ".local" / "share" / "nomic.ai" / "GPT4All")
    exists = Path.exists

    def refused(path: Path) -> bool:
        if path == blob:
            raise PermissionError(13, "Permission denied")
        return exists(path)

    monkeypatch.setattr(Path, "exists", refused)
    assert {one.program for one in library.look()} == {Program.GPT4ALL}


# What a look costs, and what it leaves.


def test_a_look_reads_no_more_than_the_first_bytes(library: Library, home: Path) -> None:
    root = home / ".lmstudio" / "models"
    root.mkdir(parents=True)
    path = named("Long").write(root / "long.gguf")
    with path.open("r+b") as file:  # sparse: reading 64 GiB would not end
        file.truncate(64 * 2**30)
    began = time.perf_counter()
    (one,) = library.look()
    assert (one.problem, one.size_bytes) == ("", 64 * 2**30)
    assert time.perf_counter() - began < 1.0


@pytest.mark.alone
def test_a_hundred_files_are_looked_at_within_100_ms(library: Library, home: Path) -> None:
    root = home / ".lmstudio" / "models" / "maker" / "Many-GGUF"
    root.mkdir(parents=True)
    made = named("Many").set_array("tokenizer.ggml.tokens", TEXT, [f"t{n}" for n in range(150_000)])
    path = made.write(root / "0.gguf")
    for number in range(1, 100):
        shutil.copyfile(path, root / f"{number}.gguf")
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert len(library.look()) == 100
        times.append(time.perf_counter() - began)
    assert min(times) < 0.100


def test_looking_changes_nothing(library: Library, folder: Path, home: Path) -> None:
    programs.lm_studio(home)
    before = sorted((p, p.stat().st_mtime_ns) for p in home.rglob("*"))
    library.look()
    assert sorted((p, p.stat().st_mtime_ns) for p in home.rglob("*")) == before
    assert not folder.exists()


def test_taking_a_model_leaves_it_where_it_is(library: Library, folder: Path, home: Path) -> None:
    programs.lm_studio(home)
    before = sorted((p, p.stat().st_mtime_ns) for p in home.rglob("*"))
    for one in usable(library.look()):
        library.adopt(one)
    assert sorted((p, p.stat().st_mtime_ns) for p in home.rglob("*")) == before
    assert not list(folder.rglob("*.gguf"))


def test_what_is_in_the_library_is_told_so(library: Library, home: Path) -> None:
    programs.cached(home)
    (one,) = library.look()
    assert not one.already
    library.adopt(one)
    assert [found.already for found in library.look()] == [True]


def test_the_same_content_of_two_programs_is_one_entry(library: Library, home: Path) -> None:
    path = programs.cached(home)
    place = home / ".lmstudio" / "models" / "a" / "b" / "c.gguf"
    place.parent.mkdir(parents=True)
    shutil.copyfile(path, place)
    models = [library.adopt(one) for one in library.look()]
    assert len(library.models()) == 1
    assert {models[-1].path, *models[-1].other_paths} == {str(path), str(place)}


def test_a_folder_that_the_person_names_is_looked_at(library: Library, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    named("Own").write(own / "own.gguf")
    programs.ollama(tmp_path / "elsewhere")
    found = library.look(paths=[own, tmp_path / "elsewhere", own / "own.gguf"])
    assert [one.program for one in found] == [Program.FOLDER, Program.OLLAMA, Program.FOLDER]


def test_a_big_endian_file_is_told_in_words(library: Library, home: Path) -> None:
    root = home / ".lmstudio" / "models"
    root.mkdir(parents=True)
    sound().change(version=3 << 24).write(root / "big.gguf")
    (one,) = library.look()
    assert "big-endian" in one.problem


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (programs.APACHE, "apache-2.0"),
        ("MIT License\n\nCopyright (c) 2023 DeepSeek", "mit"),
        ("LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\nLlama 3.2 Version", "llama3.2"),
        ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT", "llama3"),
        ("Gemma Terms of Use \n\nLast modified: February 21, 2024", "gemma"),
        ("Do what you like.", ""),
        ("", ""),
    ],
)
def test_a_licence_is_known_by_its_title(text: str, licence: str) -> None:
    assert licence_in(text) == licence


def test_where_a_text_names_several_licences_the_strictest_counts() -> None:
    text = "Qwen Research License Agreement. Parts are under the Apache License Version 2.0."
    assert licence_in(text) == "qwen-research"
    assert licence_in("MIT License, and Llama 3.1 Community License for the weights") == "llama3.1"


def test_of_ollamas_licences_the_strictest_counts(library: Library, home: Path) -> None:
    root = home / ".ollama" / "models"
    programs.ollama(root)
    text = b"Attribution-NonCommercial 4.0 International"
    digest = hashlib.sha256(text).hexdigest()
    (root / "blobs" / f"sha256-{digest}").write_bytes(text)
    (manifest,) = (path for path in (root / "manifests").rglob("*") if path.is_file())
    stated = json.loads(manifest.read_text())
    media = "application/vnd.ollama.image.license"
    stated["layers"].append({"mediaType": media, "digest": f"sha256:{digest}", "size": len(text)})
    manifest.write_text(json.dumps(stated))
    (one,) = library.look()
    assert one.licence == "cc-by-nc-4.0"
