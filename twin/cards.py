"""Write the small cards that a notebook shows for a twin, a building or its light."""

from collections.abc import Sequence
from html import escape

INK, QUIET, PAPER, LINE, RUST = "#1d2730", "#56616b", "#fbf9f5", "#d8d3c8", "#8a3b12"

BOX = (
    f"border:1px solid {LINE};border-radius:6px;background:{PAPER};color:{INK};"
    "padding:12px 16px;max-width:46em;font-family:sans-serif;line-height:1.45"
)
LABEL = (
    f"border:1.5px solid {RUST};color:{RUST};border-radius:1em;padding:1px 9px;"
    "font-size:85%;margin-left:8px;white-space:nowrap"
)
CELLS = "display:flex;flex-wrap:wrap;gap:8px 28px;margin:10px 0"
SMALL = f"color:{QUIET};font-size:85%"


def card(title: str, label: str, facts: Sequence[tuple[str, str]], foot: str) -> str:
    """Return a card as HTML that brings its own colours.

    Parameters
    ----------
    title, label : str
        What it is; what to beware of, "" for nothing. Plain text.
    facts : sequence of (str, str)
        Names and values with units. Plain text.
    foot : str
        HTML of the last line: source, credits.
    """
    mark = f'<span style="{LABEL}">{escape(label)}</span>' if label else ""
    cells = "".join(
        f'<div><div style="{SMALL}">{escape(name)}</div><b>{escape(value)}</b></div>'
        for name, value in facts
    )
    return (
        f'<div style="{BOX}"><b style="font-size:115%">{escape(title)}</b>{mark}'
        f'<div style="{CELLS}">{cells}</div><div style="{SMALL}">{foot}</div></div>'
    )
