"""Serve the pages that come with the program; they load nothing from elsewhere."""

from html import escape
from importlib.resources import files
from typing import Any

from fastapi.responses import JSONResponse, Response

PARTS = {
    "live.html": "text/html; charset=utf-8",
    "live.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "live_hints.js": "text/javascript; charset=utf-8",
}
"""Files of the live page and their kinds; nothing else of the program is served."""


def live_file(name: str) -> Response:
    """Return a file of the live page, or that there is none."""
    kind = PARTS.get(name)
    if kind is None:
        return JSONResponse({"detail": f"there is no {name[:80]!r}; see /docs"}, 404)
    return Response((files("twin.web") / name).read_bytes(), media_type=kind)


def docs_page(openapi: dict[str, Any]) -> str:
    """Return a plain page that lists every address of the interface.

    Parameters
    ----------
    openapi : dict
        Its description.
    """
    info = openapi["info"]
    sections = [
        _address(path, method, told)
        for path, methods in openapi["paths"].items()
        for method, told in methods.items()
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: interface</title>"
        '<link rel="stylesheet" href="/live.css"><body class="docs">'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('summary', ''))}</p>"
        f"<p>{escape(info['description'])}</p>"
        '<p>For programs: <a href="/openapi.json">/openapi.json</a>. '
        'For people: <a href="/">the live page</a>.</p>'
        f"{''.join(sections)}</body></html>"
    )


def _address(path: str, method: str, told: dict[str, Any]) -> str:
    """Return the section of one address."""
    rows = "".join(
        f"<li><code>{escape(given['name'])}</code> "
        f"{escape(given.get('description', 'part of the address'))}</li>"
        for given in told.get("parameters", ())
    )
    answers = ", ".join(
        f"{escape(code)} {escape(answer.get('description', ''))}"
        for code, answer in told["responses"].items()
    )
    text = told.get("description", told.get("summary", ""))
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(text)}</p><ul>{rows}</ul><p class='answers'>Answers: {answers}</p>"
        "</section>"
    )
