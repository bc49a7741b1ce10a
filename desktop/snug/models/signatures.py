"""What a file is that is no GGUF: people often have the right page and the wrong file."""

from __future__ import annotations

from typing import Final

from snug.models.damage import Damage, GgufError

_CHOOSE: Final = "Choose a file that ends in .gguf on the model's page."

# Beginnings of files, in lower case, and what they tell.
_KNOWN: Final[tuple[tuple[bytes, str], ...]] = (
    (b"<!doctype", f"This is a web page, not a model: the download got the page. {_CHOOSE}"),
    (b"<html", f"This is a web page, not a model: the download got the page. {_CHOOSE}"),
    (b"<?xml", f"This is an XML text, perhaps a server's error message, not a model. {_CHOOSE}"),
    (
        b"version https://git-lfs",
        "This is only a pointer to the model (Git LFS), not the model itself. "
        "Download the file itself, or run `git lfs pull` in its folder.",
    ),
    (b"pk\x03\x04", f"This is a zip archive (PyTorch's weights, perhaps), not a GGUF. {_CHOOSE}"),
    (b"\x80\x02", f"This is a Python pickle (PyTorch's weights, perhaps), not a GGUF. {_CHOOSE}"),
    (b"\x80\x03", f"This is a Python pickle (PyTorch's weights, perhaps), not a GGUF. {_CHOOSE}"),
    (b"\x80\x04", f"This is a Python pickle (PyTorch's weights, perhaps), not a GGUF. {_CHOOSE}"),
    (b"\x80\x05", f"This is a Python pickle (PyTorch's weights, perhaps), not a GGUF. {_CHOOSE}"),
    (b"\x1f\x8b", "This is a gzip archive, not a GGUF. Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "This is a zstd archive, not a GGUF. Unpack it first."),
    (b"\xfd7zxz", "This is an xz archive, not a GGUF. Unpack it first."),
    (b"7z\xbc\xaf", "This is a 7z archive, not a GGUF. Unpack it first."),
    (b"%pdf", "This is a PDF, not a model."),
)
_OLD_FORMATS: Final = (b"lmgg", b"fmgg", b"tjgg", b"algg")  # GGML, GGMF, GGJT, GGLA


def explain_not_gguf(beginning: bytes, size: int) -> GgufError:
    """The error for a file that does not begin with "GGUF".

    Args:
        beginning: its first bytes, up to 64.
        size: of the whole file, in bytes.
    """
    lower = beginning.lower().lstrip()
    for start, text in _KNOWN:
        if lower.startswith(start):
            return GgufError(Damage.NOT_GGUF, text)
    if beginning[8:10] == b'{"':
        text = f"This is a safetensors file, which only training programs read. {_CHOOSE}"
    elif lower.startswith((b"{", b"[")):
        text = f"This is a JSON text, not a model. {_CHOOSE}"
    elif beginning[:4] in _OLD_FORMATS:
        return GgufError(
            Damage.OLD_FORMAT,
            "The file has a format from before GGUF (2023), which llama.cpp no longer reads. "
            "Choose a newer file of this model.",
        )
    elif not any(beginning):
        text = (
            f"The file begins with zeros: its {size:,} bytes were reserved but not filled. "
            "The download was probably cut short; get it again."
        )
    else:
        text = f"The file is no GGUF: it does not begin with the letters GGUF. {_CHOOSE}"
    return GgufError(Damage.NOT_GGUF, text)
