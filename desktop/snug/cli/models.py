"""`snug models`: what is on this machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from snug.cli.output import gigabytes, print_json, print_table, say
from snug.cli.session import Session
from snug.domain.fit import remedy_text
from snug.domain.model import KvType, ModelFile


def entry(model: ModelFile, missing: bool = False) -> dict[str, object]:
    """One model as outsiders read it; `missing` where its file is gone."""
    names = (
        "name",
        "path",
        "size_bytes",
        "sha256",
        "architecture",
        "quantization",
        "context_length",
        "licence",
        "source",
        "parameter_count",
        "layers",
        "note",
        "commit",
        "program",
        "projector",
        "other_paths",
    )
    values = {f.name: getattr(model, f.name) for f in dataclasses.fields(model)}
    return {name: values[name] for name in names} | {"missing": missing}


def list_models(session: Session) -> int:
    """All models; while the vault is locked, those in Snug's own folder."""
    with session.open_temporary() as services:
        locked = services.profile.key_note
        models = services.models.models()
        gone = services.adoption.missing() if services.adoption is not None else ()
    if locked:
        say(locked)
    if session.options.json:
        print_json([*map(entry, models), *(entry(model, missing=True) for model in gone)])
        return 0
    if not models and not gone:
        say("No models yet. Add a GGUF file with: snug models import FILE")
    print_table(
        ("NAME", "SIZE", "QUANTIZATION", "CONTEXT", "LICENCE"),
        [
            (m.name, gigabytes(m.size_bytes), m.quantization, str(m.context_length), m.licence)
            for m in models
        ],
    )
    for model in gone:
        say(model.note)
    return 0


def import_model(session: Session) -> int:
    """Add a file where it lies."""
    with session.open() as services:
        model = services.models.import_file(Path(session.options.target))
    _told(session, model, f"Added {model.name}. Talk to it with: snug chat '{model.name}'")
    return 0


def check_model(session: Session) -> int:
    """Tell what is wrong with a file, and what is suspicious; 1 where anything is wrong."""
    with session.open_temporary() as services:
        path = _checked_path(services.models.models(), session)
        problems = services.models.check(path)
        warnings = services.models.warnings(path)
    if session.options.json:
        print_json({"ok": not problems, "problems": list(problems), "warnings": list(warnings)})
    else:
        for sentence in (*problems, *warnings):
            print(sentence)
        if not problems:
            print("The file is sound.")
    return 1 if problems else 0


def fit_model(session: Session) -> int:
    """Whether a model fits this machine now, and how; 1 where it does not."""
    options = session.options
    with session.open() as services:
        model = services.models.resolve(options.target)
        kv_type = KvType(options.kv_type) if options.kv_type else None
        fit = services.models.fit(model, options.context_length, kv_type)
    found = fit.projection
    if options.json:
        print_json(
            {
                "fits": fit.fits,
                "context_length": found.context_length,
                "gpu_layers": found.gpu_layers,
                "layers": found.layers,
                "bytes": {
                    "weights": found.weights,
                    "kv_cache": found.kv_cache,
                    "compute": found.compute,
                    "other": sum(part.other for part in found.devices),
                    "mapped": sum(part.mapped for part in found.devices),
                    "total": found.total,
                },
                "kv_type": found.kv_type,
                "experts_on_cpu": found.experts_on_cpu,
                "exact": found.exact,
                "devices": found.devices,
                "needed_bytes": fit.needed_bytes,
                "free_bytes": fit.free_bytes,
                "tokens_per_second": fit.tokens_per_second,
            }
        )
        return 0 if fit.fits else 1
    total = gigabytes(found.total)
    if not fit.fits:
        print(
            f"{model.name} does not fit: it needs {gigabytes(fit.needed_bytes)} and "
            f"{gigabytes(fit.free_bytes)} are free. "
            f"{remedy_text(fit, options.context_length is not None)}."
        )
        return 1
    where = f"{found.gpu_layers} of {found.layers} layers on the graphics card"
    print(
        f"{model.name} fits with a context of {found.context_length} tokens: {total}"
        + (f", {where}." if found.gpu_layers else ", on the processor.")
    )
    if fit.tokens_per_second is not None:
        print(f"About {fit.tokens_per_second:.0f} tokens per second.")
    return 0


def _checked_path(models: tuple[ModelFile, ...], session: Session) -> Path:
    """A path as it stands; else the file of the model with that name."""
    target: str = session.options.target
    if not Path(target).exists():
        for model in models:
            if target == model.name or (target == "starter" and model.source == "starter"):
                return Path(model.path)
    return Path(target)


def _told(session: Session, model: ModelFile, sentence: str) -> None:
    if session.options.json:
        print_json(entry(model))
    else:
        print(sentence)
