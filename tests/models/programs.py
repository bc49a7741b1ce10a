"""Folders as LM Studio, the Hugging Face cache, Ollama, Jan and GPT4All leave them behind."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.models.gguf_maker import TEXT, GgufMaker, Tensor, named, shards

COMMIT = "0123456789abcdef0123456789abcdef01234567"
APACHE = "\n                                 Apache License\n   Version 2.0, January 2004\n"


def projector() -> GgufMaker:
    """A file with which a model sees pictures."""
    made = GgufMaker().set("general.architecture", TEXT, "clip").set("general.type", TEXT, "mmproj")
    made.tensors = [Tensor("v.patch_embd.weight", [32, 4])]
    return made


def lm_studio(home: Path) -> Path:
    """One model with a projector, a split one, an unfinished one and a web page."""
    root = home / ".lmstudio" / "models"
    folder = root / "lmstudio-community" / "Tiny-GGUF"
    folder.mkdir(parents=True)
    named("Tiny", quantization=15).write(folder / "Tiny-Q4_K_M.gguf")
    projector().write(folder / "mmproj-Tiny-F16.gguf")
    (folder / "Tiny-Q8_0.gguf.part").write_bytes(b"GGUF")
    (folder / "page.gguf").write_bytes(b"<!DOCTYPE html><html></html>")
    split = root / "maker" / "Split-GGUF"
    split.mkdir(parents=True)
    shards(split, stem="split")
    return root


def cached(home: Path, file: str = "Cached-Q8_0.gguf", links: bool = True) -> Path:
    """A repository in the Hugging Face cache; returns the file in its snapshot."""
    repository = home / ".cache" / "huggingface" / "hub" / "models--owner--Cached-GGUF"
    blobs, snapshot = repository / "blobs", repository / "snapshots" / COMMIT
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    data = named("Cached", quantization=7).build()
    path = snapshot / file
    if not links:
        path.write_bytes(data)
        return path
    blob = blobs / hashlib.sha256(data).hexdigest()
    blob.write_bytes(data)
    path.symlink_to(Path("../../blobs") / blob.name)
    return path


def ollama(root: Path, name: str = "registry.ollama.ai/library/tiny/3b") -> Path:
    """One model with its licence; returns its blob."""
    blobs = root / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)

    def blob(data: bytes) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / f"sha256-{digest}").write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    made = named("Ollama Tiny", quantization=2).drop("general.license")
    model = blob(made.drop("general.name").build())
    config = json.dumps({"model_format": "gguf", "file_type": "Q4_0"}).encode()
    layer = "application/vnd.ollama.image."
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **blob(config)},
        "layers": [
            {"mediaType": f"{layer}model", **model},
            {"mediaType": f"{layer}license", **blob(APACHE.encode())},
        ],
    }
    path = root / "manifests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest))
    return blobs / f"sha256-{str(model['digest']).removeprefix('sha256:')}"


def jan(data: Path) -> Path:
    """One model that a model.yml names; returns its file."""
    folder = data / "llamacpp" / "models" / "jan-tiny"
    folder.mkdir(parents=True)
    path = named("Jan Tiny", quantization=18).write(folder / "model.gguf")
    projector().write(folder / "mmproj.gguf")
    (folder / "model.yml").write_text(
        "embedding: false\n"
        "mmproj_path: llamacpp/models/jan-tiny/mmproj.gguf\n"
        "model_path: llamacpp/models/jan-tiny/model.gguf\n"
        "name: 'jan-tiny'\n"
        f"model_sha256: {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        f"size_bytes: {path.stat().st_size}\n"
    )
    return path


def gpt4all(root: Path) -> Path:
    """One model, and one that was being downloaded; returns the model."""
    root.mkdir(parents=True)
    (root / "incomplete-Other-Q4_0.gguf").write_bytes(b"GGUF")
    return named("Gpt Tiny", quantization=2).write(root / "gpt-tiny.gguf")
