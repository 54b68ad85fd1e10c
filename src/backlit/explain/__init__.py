"""Every gradient explained: `backlit.explain(loss)` shows the chain rule at work.

The package itself is called, so that `backlit.explain(...)` is the function and
`backlit.explain.Explanation` its class.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ._engine import ExplainError as ExplainError
from ._explanation import Explanation as Explanation, explain as explain
from ._graph import Edge as Edge, Graph as Graph, Location as Location, Node as Node
from ._variables import Check as Check, PathTerm as PathTerm, Variable as Variable


class _CallableModule(ModuleType):
    """A module that is the function of its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Explanation:
        return explain(*args, **kwargs)

    __call__.__doc__ = explain.__doc__


_CallableModule.__call__.__wrapped__ = explain  # type: ignore[attr-defined]  # its signature
sys.modules[__name__].__class__ = _CallableModule
