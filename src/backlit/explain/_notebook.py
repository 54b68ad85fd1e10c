"""What notebooks show: an explanation is its page in a frame, a tensor its text and a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import _heat
from ._files import styles
from ._json import value
from ._page import render
from ._tables import tables

if TYPE_CHECKING:
    from ._engine import Tensor
    from ._explanation import Explanation

_MOST = 1_000_000  # elements: a larger tensor is its text alone
_FRAME = "width:100%;height:660px;border:0"


def explanation_html(explanation: Explanation) -> str:
    """The page in a frame of its own, so that styles stay apart; without a layout, the tables."""
    document = explanation.to_dict()
    try:
        page = escape(render(document), quote=True)
    except ImportError as error:
        style = styles("heat.css", "figure.css", "tables.css")
        hint = f"<p>{escape(str(error))}</p>"
        return f'<div class="backlit"><style>{style}</style>{hint}{tables(document)}</div>'
    title = escape(repr(explanation), quote=True)
    return f'<iframe srcdoc="{page}" style="{_FRAME}" title="{title}"></iframe>'


def tensor_html(t: Tensor) -> str:
    """The text that `print` shows; beside it a heat map, where there is more than one number."""
    text = f'<pre style="margin:0;background:none">{escape(repr(t))}</pre>'
    if not (t.is_floating_point() and 1 < t.numel() <= _MOST):
        return text
    picture = _heat.paths(value(t.detach()), 120, 60)
    return (
        '<div class="backlit" style="display:flex;gap:16px;align-items:flex-start">'
        f"<style>{styles('heat.css')}</style>{text}"
        f'<svg width="122" height="62" viewBox="-1 -1 122 62" aria-hidden="true">{picture}</svg>'
        "</div>"
    )
