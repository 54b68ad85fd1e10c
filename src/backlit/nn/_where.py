"""Which module an error came from, added to the error as it leaves the modules."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._module import Module

_PLAIN = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)


def say_where(error: Exception, module: Module) -> None:
    """Notes the module that raised `error`, by its name in `module`, the outermost so far.

    The message stays PyTorch's: this is a note (PEP 678), which a traceback shows below it. Before
    Python 3.11, which brought notes, it is a second line of the message.
    """
    with contextlib.suppress(Exception):  # a module that cannot be shown must not hide the error
        _say_where(error, module)


def _say_where(error: Exception, module: Module) -> None:
    facts: dict[str, Any] = error.__dict__  # plain data, as errors are pickled with them
    if "_where" not in facts:
        shown = str(module).partition("\n")[0].rstrip("(")
        facts["_where"] = id(module), f"backlit: in {shown}", None
    inner, text, before = facts["_where"]
    name = next((name for name, part in module.named_modules() if id(part) == inner), "")
    said = f"{text}, which is '{name}' of {type(module).__name__}" if name else text
    facts["_where"] = inner, text, said
    if sys.version_info >= (3, 11):
        if before is None:
            error.add_note(said)
        else:
            error.__notes__[error.__notes__.index(before)] = said
    elif type(error) in _PLAIN and len(error.args) == 1 and isinstance(error.args[0], str):
        message = error.args[0]
        if before is not None:
            message = message.removesuffix("\n" + before)
        error.args = (f"{message}\n{said}",)
