"""The command line: every command and option, from tables."""

from __future__ import annotations

import argparse

from snug.cli import adopt, card, chat, conversations, doctor, downloads, hub, models, trends
from snug.cli.exporting_parser import add_archive_commands, add_export_commands
from snug.cli.importing import add_import_command
from snug.cli.load_options import add_load_options
from snug.cli.organising_parser import (
    add_folder_commands,
    add_list_options,
    add_order_commands,
)
from snug.cli.profiles import add_profile_commands
from snug.cli.sampling_options import add_sampling_options
from snug.cli.usage import a_path
from snug.cli.vault_parser import add_key_commands, add_vault_commands
from snug.domain.model import KvType
from snug.domain.prompt import MAX_TOP_LOGPROBS


def build_parser(version: str) -> argparse.ArgumentParser:
    """The whole command line. The chosen command stands in `run`; None opens the window."""
    parser = argparse.ArgumentParser(
        prog="snug",
        description="Talk to open models on your own machine. Without a command: the window.",
        parents=[_common()],
    )
    parser.add_argument("--version", action="version", version=f"snug {version}")
    parser.set_defaults(run=None, data_dir=None, profile="", key_file=None, offline=False)
    parser.set_defaults(json=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_chat(commands)
    _add_models(commands)
    _add_conversations(commands)
    vault = _group(commands, "vault", "the encrypted database of everything you write")
    add_vault_commands(lambda name, text: _command(vault, name, text))
    add_archive_commands(lambda name, text: _command(vault, name, text))
    keys = _group(commands, "keys", "what opens the vault")
    add_key_commands(lambda name, text: _command(keys, name, text))
    profiles = _group(commands, "profiles", "several vaults on one device, each with its own keys")
    add_profile_commands(lambda name, text: _command(profiles, name, text))
    quick = _command(commands, "ask", "open the small window for a quick question")
    quick.epilog = "Bind `snug ask` to a key in the keyboard settings of your desktop."
    quick.set_defaults(run=doctor.ask_quickly)
    report = _command(commands, "doctor", "what this machine offers, and problems")
    report.set_defaults(run=doctor.examine)
    bench = _command(commands, "bench", "measure Snug against bare llama.cpp, as ratios")
    bench.set_defaults(run=doctor.bench)
    ledger = _command(commands, "ledger", "the newest requests that left this machine")
    ledger.set_defaults(run=hub.ledger)
    network = _command(commands, "network", "offline switch, mirror, proxy, speed and token")
    downloads.add_network_options(network, hub.size_bytes)
    network.set_defaults(run=downloads.set_network)
    return parser


def _common() -> argparse.ArgumentParser:
    """Options that every command takes, before or after its name.

    Made anew for each parser: `set_defaults` writes into the shared options of a parent.
    """
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--data-dir", type=a_path, metavar="DIR", help="where all data is kept")
    common.add_argument("--profile", metavar="NAME", help="which profile; see `snug profiles`")
    common.add_argument(
        "--key-file",
        type=a_path,
        metavar="FILE",
        help="a key file that opens the conversations",
    )
    common.add_argument("--offline", action="store_true", help="send nothing, whatever happens")
    return common


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    json: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, parents=[_common()])
    if json:
        parser.add_argument(
            "--json",
            action="store_true",
            default=argparse.SUPPRESS,
            help="one JSON document on standard output",
        )
    return parser


def _group(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    parser = commands.add_parser(name, help=text, description=text, parents=[_common()])
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _add_chat(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(commands, "chat", "talk to a model in the terminal")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="name, path or 'starter'")
    parser.add_argument("--prompt", metavar="TEXT", help="ask once; - reads standard input")
    parser.add_argument("--system", metavar="TEXT", help="system prompt")
    for name, kind, text in (
        ("--temperature", float, "0 is greedy, up to 2"),
        ("--seed", int, "the same seed gives the same answer"),
        ("--max-tokens", int, "longest answer"),
        ("--context-length", int, "tokens of context"),
    ):
        parser.add_argument(name, type=kind, metavar="N", help=text)
    parser.add_argument("--schema", type=a_path, metavar="FILE", help="JSON schema of the answer")
    parser.add_argument(
        "--tools",
        type=a_path,
        metavar="FILE",
        help="JSON list of functions; calls are only shown",
    )
    parser.add_argument("--begin", metavar="TEXT", help="the first words of the answer")
    parser.add_argument("--conversation", metavar="ID", help="continue this conversation")
    parser.add_argument("--no-save", action="store_true", help="keep nothing of it")
    parser.add_argument(
        "--adapter",
        action="append",
        metavar="FILE[:SCALE]",
        help="LoRA adapter for this conversation; 1 is as trained; give one or more",
    )
    parser.add_argument(
        "--logprobs",
        type=int,
        choices=range(MAX_TOP_LOGPROBS + 1),
        metavar="N",
        help="with --prompt --json: each token's log-probability and the N likeliest, up to 20",
    )
    add_sampling_options(parser)
    add_load_options(parser)
    parser.set_defaults(run=chat.run)


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = _group(commands, "models", "the models on this machine")
    for name, text, run, argument in (
        ("list", "all models", models.list_models, None),
        ("import", "add a GGUF file where it lies", models.import_model, "FILE"),
        ("remove", "forget a model; deletes only files of Snug's own", adopt.remove_model, "MODEL"),
        ("check", "what is wrong with a GGUF file", models.check_model, "FILE"),
    ):
        parser = _command(group, name, text)
        if argument is not None:
            parser.add_argument("target", metavar=argument)
        parser.set_defaults(run=run)
    fit = _command(group, "fit", "whether a model fits this machine now")
    fit.add_argument("target", metavar="MODEL")
    fit.add_argument("--context-length", type=int, metavar="N", help="tokens of context")
    fit.add_argument("--kv-type", choices=[kind.value for kind in KvType], help="of the KV cache")
    fit.set_defaults(run=models.fit_model)
    adopt.add_commands(lambda name, text: _command(group, name, text))
    _add_hub(group)


def _add_hub(group: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    trending = _command(group, "trending", "what is trending on the Hub, and may be used")
    trends.add_trend_options(trending)
    trending.set_defaults(run=trends.trending)
    search = _command(group, "search", "find models on the Hub by name")
    search.add_argument("target", metavar="TEXT")
    search.set_defaults(run=hub.search)
    for parser in (trending, search):
        hub.add_query_options(parser)
    show = _command(group, "show", "one repository: licence, files, what fits")
    show.add_argument("target", metavar="OWNER/REPO")
    show.add_argument("--licence", action="store_true", help="print the licence's text")
    show.set_defaults(run=hub.show)
    about = _command(group, "card", "where a model comes from, its licence, what to mind")
    card.add_options(about)
    get = _command(group, "get", "download a model, verified; run again to go on")
    get.add_argument("target", metavar="OWNER/REPO:QUANT")
    get.add_argument(
        "--max-speed", type=hub.size_bytes, default=0, metavar="SIZE", help="a second, as in 5MB"
    )
    get.set_defaults(run=hub.get)
    _add_downloads(group)


def _add_downloads(group: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    whole = _command(group, "downloads", "the queue of downloads; alone: the list")
    whole.set_defaults(run=downloads.list_downloads)
    queue = whole.add_subparsers(title="commands", metavar="COMMAND")
    for name, text, run, argument in (
        ("list", "what is on its way, and what came lately", downloads.list_downloads, None),
        ("pause", "stop one; what came is kept", downloads.pause, "ID"),
        ("resume", "put one into the queue again", downloads.resume, "ID"),
        ("cancel", "stop one and delete what came", downloads.cancel, "ID"),
        ("upstream", "ask whether your files were replaced", downloads.upstream, None),
    ):
        parser = _command(queue, name, text)
        if argument is not None:
            parser.add_argument("target", metavar=argument, help="as in `list`, or its beginning")
        parser.set_defaults(run=run)


def _add_conversations(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = _group(commands, "conversations", "what is kept of your conversations")
    for name, text, run, argument in (
        ("list", "all conversations, newest first", conversations.list_all, None),
        ("show", "one conversation", conversations.show, "ID"),
    ):
        parser = _command(group, name, text)
        if argument is not None:
            parser.add_argument("target", metavar=argument)
        else:
            add_list_options(parser)
        parser.set_defaults(run=run)
    search = _command(group, "search", "find words in all conversations")
    search.add_argument("target", nargs="+", metavar="TEXT")
    search.formatter_class = argparse.RawDescriptionHelpFormatter
    search.epilog = conversations.OPERATORS
    search.set_defaults(run=conversations.search)
    add_order_commands(lambda name, text: _command(group, name, text))
    add_export_commands(lambda name, text: _command(group, name, text))
    add_import_command(lambda name, text: _command(group, name, text))
    folders = _group(commands, "folders", "folders of conversations, and how long they keep")
    add_folder_commands(lambda name, text: _command(folders, name, text))
    for name, text, run in (
        ("pin", "keep one at the top and from every rule; or a message", conversations.pin),
        ("unpin", "let go of a conversation or a message", conversations.unpin),
    ):
        parser = _command(group, name, text)
        parser.add_argument("target", metavar="ID")
        parser.add_argument(
            "message",
            nargs="?",
            metavar="MESSAGE",
            help="never leave this one out of a long conversation; as in `show --json`",
        )
        parser.set_defaults(run=run)
