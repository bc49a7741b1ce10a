"""From a choice on the Hub to the files that are to be fetched."""

from __future__ import annotations

from snug.domain.conversation import now_ms
from snug.domain.download import Download, DownloadFile, FileRole
from snug.domain.errors import UserError
from snug.domain.hub import RemoteFile, Repository, Variant, projector_for
from snug.domain.remote_names import shown


def plan_download(repository: Repository, variant: Variant) -> Download:
    """All files of a quantization, with the projector that goes with it, at the pinned commit.

    Raises:
        UserError: the Hub tells no checksum or size of a file, so it could never be verified.
    """
    first = variant.files[0]
    split = len(variant.files) > 1
    files = [
        _planned(
            file,
            f"{first.sha256}-{i:05d}-of-{len(variant.files):05d}.gguf"
            if split
            else f"{file.sha256}.gguf",
            FileRole.MODEL if i == 1 else FileRole.SHARD,
        )
        for i, file in enumerate(variant.files, start=1)
    ]
    projector = projector_for(variant, repository.projectors)
    if projector is not None and projector.sha256 and projector.size_bytes:
        files.append(_planned(projector, f"{projector.sha256}.gguf", FileRole.PROJECTOR))
    return Download(
        id=first.sha256,
        repository=repository.id,
        commit=repository.commit,
        quantization=variant.quantization,
        title=shown(f"{repository.id} {variant.quantization}".strip()),
        files=tuple(files),
        gated=repository.gated,
        licence=repository.licence.id,
        licence_class=repository.licence.licence_class.value,
        created_ms=now_ms(),
    )


def _planned(file: RemoteFile, stored_as: str, role: FileRole) -> DownloadFile:
    if not file.sha256 or not file.size_bytes:
        raise UserError(
            f"The Hub tells no checksum of {file.name}, so Snug could not verify it and does not "
            "get it. Choose another quantization or repository."
        )
    return DownloadFile(file.path, file.size_bytes, file.sha256, stored_as, role)
