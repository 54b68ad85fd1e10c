"""The command line: `backlit run SCRIPT`, `backlit explain SCRIPT`, `backlit --version`.

A subcommand is one entry in `_COMMANDS`: its help, a function that adds its arguments to a parser,
and a function that carries it out. Whatever a subcommand needs is imported when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from types import CodeType, TracebackType


class Command(NamedTuple):
    """One subcommand."""

    help: str
    configure: Callable[[ArgumentParser], None]
    execute: Callable[[Namespace], int]


def main(argv: Sequence[str] | None = None, prog: str = "backlit") -> int:
    """Carry out the command line `argv` and return the exit code."""
    parser = _parser(prog)
    arguments = list(sys.argv[1:] if argv is None else argv)
    after: list[str] = []
    if arguments[:1] == ["explain"] and "--" in arguments:  # argparse would lose it
        end = arguments.index("--")
        arguments, after = arguments[:end], arguments[end + 1 :]
    options = parser.parse_args(arguments)
    options.after = after
    if options.command is None:
        parser.print_help()
        return 2
    return _COMMANDS[options.command].execute(options)


def _parser(prog: str) -> ArgumentParser:
    import argparse

    from . import __version__

    parser = argparse.ArgumentParser(
        prog=prog, description="An autograd engine that runs PyTorch code and shows its work."
    )
    parser.add_argument("--version", action="version", version=f"backlit {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in _COMMANDS.items():
        command.configure(commands.add_parser(name, help=command.help, description=command.help))
    return parser


def _configure_run(parser: ArgumentParser) -> None:
    import argparse

    parser.add_argument(
        "-m", dest="module", action="store_true", help="SCRIPT is a module or package name"
    )
    parser.add_argument(
        "script", metavar="SCRIPT", help="a file, a folder, or - for standard input"
    )
    parser.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER, help="go to the script")


def _run(options: Namespace) -> int:
    """The script's exit code; `SystemExit` goes on to the interpreter, which knows what to do."""
    from . import _import_hook

    _import_hook.install()
    run = _run_module if options.module else _run_path
    try:
        return run(options.script, options.args)
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        _import_hook.explain_import_error(error)
        error.__traceback__ = _user_part(error.__traceback__)
        _cut_import_hook(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        return 130 if isinstance(error, KeyboardInterrupt) else 1


def _user_part(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of this file, of runpy and of the import system."""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file != __file__ and not file.startswith("<frozen ") and not file.endswith("runpy.py"):
            break
        trace = trace.tb_next
    return trace


def _cut_import_hook(trace: TracebackType | None) -> None:
    """Drop the hook's own frame from the end of the traceback of a missing module."""
    while trace is not None and trace.tb_next is not None:
        if trace.tb_next.tb_frame.f_globals.get("__name__") == "backlit._import_hook":
            trace.tb_next = None
        trace = trace.tb_next


def _set_first_path(folder: str) -> None:
    """What Python does before it runs a script, unless asked not to (-P)."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder


def _run_module(name: str, args: list[str]) -> int:
    import runpy

    sys.argv = [name, *args]
    _set_first_path(os.getcwd())
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0


def _run_path(path: str, args: list[str]) -> int:
    sys.argv = [path, *args]
    if path == "-":
        _set_first_path("")
        _run_code(compile(sys.stdin.read(), "<stdin>", "exec"), None)
        return 0
    if os.path.isdir(path):
        import runpy

        _set_first_path(os.path.abspath(path))
        runpy.run_path(path, run_name="__main__")
        return 0
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        print(
            f"backlit: can't open file {os.path.abspath(path)!r}: [Errno {error.errno}] "
            f"{error.strerror}",
            file=sys.stderr,
        )
        return 2
    full = os.path.abspath(path)
    _set_first_path(os.path.dirname(os.path.realpath(full)))
    _run_code(compile(source, full, "exec", dont_inherit=True), full)
    return 0


def _run_code(code: CodeType, file: str | None) -> None:
    """Run `code` as the module `__main__`, which stays in place for what runs at exit."""
    from types import ModuleType

    module = ModuleType("__main__")
    namespace: dict[str, Any] = vars(module)
    namespace["__builtins__"] = sys.modules["builtins"]
    if file is not None:
        namespace["__file__"] = file
        namespace["__cached__"] = None
    sys.modules["__main__"] = module
    exec(code, namespace)


def _configure_explain(parser: ArgumentParser) -> None:
    _add_explain_options(parser)
    _configure_run(parser)


def _add_explain_options(parser: ArgumentParser) -> None:
    parser.add_argument("--wrt", metavar="NAME", action="append", help="of this variable only")
    parser.add_argument("--at", metavar="2,3", help="of one element of it")
    parser.add_argument("--step", metavar="N", type=int, help="the N-th backward (default: last)")
    parser.add_argument("--max-paths", metavar="N", type=int, default=8, help="to list (8)")
    parser.add_argument("--by-sample", metavar="NAME", help="rank the samples of the batch")
    parser.add_argument("--flow", action="store_true", help="norms from the result back")
    parser.add_argument("--html", metavar="FILE", help="write the page")
    parser.add_argument(
        "--save", metavar="FILE", action="append", help="write .html .svg .tex .md .json .txt"
    )
    parser.add_argument("--open", action="store_true", help="show the file in the browser")


def _explain(options: Namespace) -> int:
    """Runs the script as `run` does. Options may also follow it; all after -- is the script's."""
    import argparse

    from .explain import _script

    parser = argparse.ArgumentParser(
        prog="backlit explain",
        add_help=False,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,  # what stood before the script stays
    )
    _add_explain_options(parser)
    _, rest = parser.parse_known_args(options.args, options)
    options.args = rest + options.after
    return _script.run(options, _run)


_COMMANDS: dict[str, Command] = {
    "run": Command(
        "Run a script that says `import torch` on backlit, without changing it.",
        _configure_run,
        _run,
    ),
    "explain": Command(
        "Run a script and show how the gradients of its last backward() come about.",
        _configure_explain,
        _explain,
    ),
}
