"""`snug models adopt`, `verify`, `remove`: other programs' models, and whether ours are sound."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from snug.cli.models import entry
from snug.cli.output import ProgressLine, gigabytes, print_json, print_table, say
from snug.cli.session import Session
from snug.domain.errors import NotFoundError, SnugError
from snug.domain.model import ModelFile
from snug.services.adoption import Adopted, Adoption, Found, Program, by_program
from snug.services.bundle import Services

FAILED = 1
_STARTER = "starter"


def add_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """The commands of this file, made by `command(name, text)`."""
    adopt = command("adopt", "use models that other programs keep here, without copying them")
    adopt.add_argument(
        "targets",
        nargs="*",
        metavar="PROGRAM|PATH",
        help=f"only these: {', '.join(p for p in Program if p is not Program.FOLDER)}; or a path",
    )
    adopt.add_argument("--list", action="store_true", help="only show what there is")
    adopt.set_defaults(run=adopt_models)
    verify = command("verify", "read models again and compare them with what was added")
    verify.add_argument("targets", nargs="*", metavar="MODEL", help="all, where none is named")
    verify.set_defaults(run=verify_models)


def adopt_models(session: Session) -> int:
    """Show or take what other programs keep; 1 where one was not taken, or nothing can be."""
    options = session.options
    with session.open() as services:
        adoption = _adoption(services)
        found = _found(adoption, options.targets)
        wanted = [one for one in found if not one.already and not one.problem]
        taken: Sequence[Adopted] = ()
        if not options.list:
            taken = _take(adoption, wanted)
    if options.json:
        print_json([_as_json(one, taken) for one in found])
    elif options.list:
        _print_found(found)
    else:
        _print_taken(found, taken)
    if not found:
        say(_nothing(options.targets))
    failed = any(one.model is None for one in taken)
    nothing = bool(options.targets) and all(one.problem for one in found)
    return FAILED if not options.list and (failed or nothing) else 0


def verify_models(session: Session) -> int:
    """Read models again; 1 where one is not what it was."""
    with session.open() as services:
        adoption = _adoption(services)
        models = _named(services, adoption, session.options.targets)
        results = [(model, _verified(adoption, model)) for model in models]
    if session.options.json:
        print_json(
            [{"name": m.name, "path": m.path, "ok": not p, "problem": p} for m, p in results]
        )
    elif not results:
        say("There is no model to read. Add one with: snug models import FILE")
    else:
        for model, problem in results:
            print(problem or f"{model.name} is what it was when it was added.")
    return FAILED if any(problem for _, problem in results) else 0


def remove_model(session: Session) -> int:
    """Forget a model, and say what became of its file."""
    with session.open() as services:
        adoption = _adoption(services)
        (model,) = _named(services, adoption, [session.options.target])
        removed = adoption.remove(model)
    if session.options.json:
        print_json(
            entry(removed.model)
            | {"deleted_files": removed.deleted, "freed_bytes": removed.freed_bytes}
        )
    elif removed.deleted:
        print(f"Removed {model.name} and deleted its file ({gigabytes(removed.freed_bytes)}).")
    elif Path(model.path).exists():
        owner = f"{removed.model.program} keeps it" if removed.model.program else "it is yours"
        print(f"Removed {model.name} from the list. Its file stays at {model.path}: {owner}.")
    else:
        print(f"Removed {model.name} from the list. Its file was gone already.")
    return 0


def _adoption(services: Services) -> Adoption:
    if services.adoption is None:
        raise NotFoundError("This build cannot use other programs' models.")
    return services.adoption


def _found(adoption: Adoption, targets: Sequence[str]) -> tuple[Found, ...]:
    """What is at the named programs and paths; of all programs where none is named.

    Raises:
        NotFoundError: a name is neither a program nor a path.
    """
    if not targets:
        return adoption.found()
    found: list[Found] = []
    for target in targets:
        program = _program(target)
        if program is not None:
            found += adoption.found(programs=(program,))
        elif Path(target).exists():
            found += adoption.found(paths=(Path(target),))
        else:
            names = ", ".join(p for p in Program if p is not Program.FOLDER)
            raise NotFoundError(
                f"{target} is neither a program that Snug knows ({names}) nor a file or folder."
            )
    return tuple(found)


def _program(name: str) -> Program | None:
    wanted = "".join(c for c in name.casefold() if c.isalnum())
    aliases = {"hf": "huggingface", "huggingfacecache": "huggingface"}
    wanted = aliases.get(wanted, wanted)
    for program in Program:
        if program is not Program.FOLDER and program.replace("-", "") == wanted:
            return program
    return None


def _take(adoption: Adoption, wanted: Sequence[Found]) -> tuple[Adopted, ...]:
    line, stop = ProgressLine(), threading.Event()
    try:
        return adoption.adopt(wanted, lambda done, total: line.show(_reading(done, total)), stop)
    finally:
        line.clear()


def _verified(adoption: Adoption, model: ModelFile) -> str:
    line = ProgressLine()
    try:
        return adoption.verify(
            model, lambda done, total: line.show(f"{model.name}: {_reading(done, total)}")
        )
    except SnugError as error:
        return error.message
    finally:
        line.clear()


def _named(services: Services, adoption: Adoption, names: Sequence[str]) -> list[ModelFile]:
    """The models of these names, those whose file is gone too. Raises: NotFoundError."""
    known = {m.name.casefold(): m for m in (*adoption.missing(), *services.models.models())}
    if not names:
        return list(known.values())
    found = []
    for name in names:
        wanted = name.strip().casefold()
        model = known.get(wanted)
        if model is None and wanted == _STARTER:
            model = next((m for m in known.values() if m.source == _STARTER), None)
        if model is None:
            model = services.models.resolve(name)
            if model.name.casefold() not in known:
                raise NotFoundError(f"{name} is not in the library. Check it with: models check")
        found.append(model)
    return found


def _as_json(one: Found, taken: Sequence[Adopted]) -> dict[str, object]:
    result = next((r for r in taken if r.path == one.path), None)
    return {
        "program": one.program,
        "path": one.path,
        "name": one.name,
        "size_bytes": one.size_bytes,
        "quantization": one.quantization,
        "licence": one.licence,
        "source": one.source,
        "commit": one.commit,
        "files": one.files,
        "already": one.already,
        "problem": (result.problem if result is not None else "") or one.problem,
        "model": entry(result.model) if result is not None and result.model is not None else None,
    }


def _nothing(targets: Sequence[str]) -> str:
    if targets:
        return f"There is no model in {', '.join(targets)}. Name another program or folder."
    return "No other program keeps models here. Name a folder to look there."


def _print_found(found: Sequence[Found]) -> None:
    for program, ones in by_program(found).items():
        print(f"{program.label}:")
        usable = [one for one in ones if not one.problem]
        rows = [
            (one.name, gigabytes(one.size_bytes), one.quantization, "here" if one.already else "")
            for one in usable
        ]
        print_table(("  NAME", "SIZE", "QUANTIZATION", ""), [(f"  {r[0]}", *r[1:]) for r in rows])
        for one in ones:
            if one.problem:
                say(f"  {one.name}: {one.problem}")


def _print_taken(found: Sequence[Found], taken: Sequence[Adopted]) -> None:
    for result in taken:
        if result.model is not None:
            print(_added_words(result.path, result.model))
        else:
            say(f"{result.path}: {result.problem}")
    for one in found:
        if one.problem:
            say(f"Left out {one.name}: {one.problem}")
    already = sum(one.already for one in found)
    if already:
        print(f"{already} already in the library.")


def _added_words(path: Path, model: ModelFile) -> str:
    if str(path.absolute()) in (model.path, *model.other_paths):
        return f"Added {model.name}. It stays where it is: {path}"
    return f"{path.name} is {model.name}, which is in the library already."


def _reading(done: int, total: int) -> str:
    return f"reading {gigabytes(done)} of {gigabytes(total)}"
