"""Write the quality of a twin as JSON and as one page."""

import json
import math
from collections.abc import Sequence
from datetime import date
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.faults import count_things
from gis.files import atomic_path
from twin.quality import Check, Quality, Topic, Verdict, verdict_sentence
from twin.web.coverage_map import Class, coverage_map

PAGE, RECORD = "quality.html", "quality.json"

MOST_PARTS = 100
"""Parts that the record names of each check."""

FEW_ROWS = 8
"""Rows that the page shows without being asked."""

MOST_LOGGED = 12
"""Rows of a log that the page shows, the gravest first."""

HEIGHT_CLASSES = (
    ("measured", "measured", "#0b4f6c"),
    ("published", "published", "#009e73"),
    ("given", "given by an attribute", "#56b4e9"),
    ("storeys", "from storeys", "#e6b422"),
    ("assumed", "assumed", "#d55e00"),
)
QUIET = "#cfc9bc"
"""Colour of buildings about which there is nothing to say."""

LOG_COLUMNS = {
    "repairs": ("part", "building", "fault", "action", "amount", "unit"),
    "conflicts": (
        "part",
        "height",
        "source",
        "other",
        "other_source",
        "difference",
        "why",
    ),
}
LOG_ORDER = {"repairs": "amount", "conflicts": "difference"}


def quality_record(quality: Quality, *, made: date) -> dict[str, Any]:
    """Return all that was found as plain values.

    Parameters
    ----------
    quality : Quality
        From `twin.quality.check_twin`.
    made : date
        Day of the check.

    Returns
    -------
    dict
        For JSON; numbers that are not known are None.
    """
    return {
        "heidi": {
            "district": quality.name,
            "version": quality.version,
            "inputs": quality.inputs,
            "made": made.isoformat(),
        },
        "verdict": quality.verdict.value,
        "sentence": verdict_sentence(quality),
        "topics": [
            {
                "topic": topic.name,
                "verdict": topic.verdict.value,
                "checks": [_check_record(check) for check in topic.checks],
            }
            for topic in quality.topics
        ],
        "notes": list(quality.notes),
        "weather_notes": list(quality.weather_notes),
        "credits": list(quality.credits),
        "logs": {
            "repairs": _rows_of(quality.repairs),
            "conflicts": _rows_of(quality.conflicts),
        },
    }


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record as JSON; raises OutputError if that fails."""
    text = json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def write_page(
    path: Path,
    quality: Quality,
    *,
    boundary: shapely.Geometry,
    water: shapely.Geometry,
    made: date,
) -> None:
    """Write the page: verdicts, coverage maps, logs and notes.

    Parameters
    ----------
    path : Path
        Ends in ``.html``; its folder must exist.
    quality : Quality
        From `twin.quality.check_twin`.
    boundary, water : Geometry
        EPSG:3008.
    made : date
        Day of the check.

    Raises
    ------
    OutputError
        If the file cannot be written.

    Notes
    -----
    The page forbids the browser every connection and holds no script. Equal input and day
    give equal bytes.
    """
    page = Template(_asset("quality.html")).substitute(
        css=_asset("quality.css"),
        title=escape(quality.name),
        verdict=quality.verdict.value,
        verdict_word=WORDS[quality.verdict],
        sentence=escape(verdict_sentence(quality)),
        topics="".join(_overview(topic) for topic in quality.topics),
        maps=_maps(quality, boundary, water),
        details="".join(_section(topic) for topic in quality.topics),
        logs=_logs(quality),
        notes=_notes(quality),
        credits=escape(" · ".join(quality.credits)),
        origin=escape(
            f"heidi {quality.version} · inputs {quality.inputs} · checked "
            f"{made.day} {made:%B %Y}"
        ),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


WORDS = {
    Verdict.GOOD: "Good",
    Verdict.LOOK: "Worth a look",
    Verdict.BAD: "Bad",
}


def _asset(name: str) -> str:
    """Return a file of the page."""
    return resources.files("twin.web").joinpath(name).read_text(encoding="utf-8")


def _rows_of(table: pd.DataFrame | None) -> int | None:
    """Return the length of a log, None where there is none."""
    return None if table is None else len(table)


def _check_record(check: Check) -> dict[str, Any]:
    """Return a check as plain values."""
    return {
        "check": check.name,
        "found": check.found,
        "number": check.number if math.isfinite(check.number) else None,
        "unit": check.unit,
        "verdict": check.verdict.value if check.verdict else None,
        "limit": check.limit,
        "reason": check.reason,
        "parts_count": len(check.parts),
        "parts": [str(part) for part in check.parts[:MOST_PARTS]],
        "rows": [list(row) for row in check.rows],
    }


def _chip(verdict: Verdict | None) -> str:
    """Show a verdict by word, sign and colour."""
    if verdict is None:
        return '<span class="chip told">told</span>'
    sign = {"good": "✓", "look": "!", "bad": "✕"}[verdict.value]
    return f'<span class="chip {verdict.value}"><i><b>{sign}</b></i>{verdict.value}</span>'


def _overview(topic: Topic) -> str:
    """Return a line of the table of topics: what made its verdict."""
    of_weight = [c for c in topic.checks if c.verdict is topic.verdict]
    worst = next(iter(of_weight), topic.checks[0])
    return (
        f'<li><a href="#{_slug(topic)}">{escape(topic.name)}</a>{_chip(topic.verdict)}'
        f"<span>{escape(worst.name)}: {escape(worst.found)}</span></li>"
    )


def _slug(topic: Topic) -> str:
    """Return the anchor of a topic."""
    return topic.name.lower().replace(" ", "-")


def _section(topic: Topic) -> str:
    """Return a topic with all its checks."""
    rows = "".join(_row(check) for check in topic.checks)
    return (
        f'<section class="topic" id="{_slug(topic)}"><h2>{escape(topic.name)} '
        f"{_chip(topic.verdict)}</h2><dl>{rows}</dl></section>"
    )


def _row(check: Check) -> str:
    """Return a check: what was found, the limits and why they are there."""
    limit = f"{check.limit}: {check.reason}." if check.limit else ""
    small = f"<small>{escape(limit)}</small>" if limit else ""
    return (
        f"<div><dt>{escape(check.name)} {_chip(check.verdict)}</dt>"
        f"<dd>{escape(_sentence(check.found))}{small}{_more(check)}</dd></div>"
    )


def _more(check: Check) -> str:
    """Return the rows and parts of a check, folded away if they are many."""
    text = ""
    if check.rows:
        items = "".join(
            f"<li>{escape(one)}{f': {escape(other)}' if other else ''}</li>"
            for one, other in check.rows
        )
        text = f"<ul>{items}</ul>"
        if len(check.rows) > FEW_ROWS:
            count = count_things(len(check.rows), "line")
            text = f"<details><summary>{count}</summary>{text}</details>"
    if check.parts and check.verdict is not Verdict.GOOD:
        named = escape(", ".join(str(part) for part in check.parts[:MOST_PARTS]))
        rest = len(check.parts) - MOST_PARTS
        named += f" and {rest:,} more" if rest > 0 else ""
        count = count_things(len(check.parts), "part")
        text += f"<details><summary>{count}</summary><small>{named}</small></details>"
    return text


def _sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    begun = text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def _maps(quality: Quality, boundary: shapely.Geometry, water: shapely.Geometry) -> str:
    """Return the coverage maps with their legends."""
    table = quality.table
    kinds = table["height_kind"].to_numpy(dtype=object)
    heights = [Class(name, hue, kinds == kind) for kind, name, hue in HEIGHT_CLASSES]
    use = table["use_known"].to_numpy(dtype=bool)
    year = table["year_known"].to_numpy(dtype=bool)
    known = [
        Class("neither", QUIET, ~use & ~year),
        Class("year only", "#009e73", ~use & year),
        Class("use only", "#56b4e9", use & ~year),
        Class("use and year", "#0b4f6c", use & year),
    ]
    drawn = [
        ("How heights are known", heights),
        ("Use and year known", known),
        ("Where to look", _flagged(quality)),
    ]
    figures = []
    for title, classes in drawn:
        svg = coverage_map(
            table,
            classes,
            boundary=boundary,
            water=water,
            label=f"Map: {title.lower()}. The legend tells how many.",
        )
        legend = "".join(
            f'<li><i style="background:{one.colour}"></i>{escape(one.name)} '
            f"<b>{int(one.members.sum()):,}</b></li>"
            for one in classes
            if one.members.any()
        )
        figures.append(
            f"<figure><figcaption>{title}</figcaption>{svg}<ul>{legend}</ul></figure>"
        )
    return "".join(figures)


def _flagged(quality: Quality) -> list[Class]:
    """Sort parts by the gravest check, other than of what is known, that names them."""
    index = quality.table.index
    level = np.zeros(len(index), dtype=np.int8)
    weight = {None: 1, Verdict.GOOD: 1, Verdict.LOOK: 2, Verdict.BAD: 3}
    for topic in quality.topics:
        for check in topic.checks:
            # The first map shows assumed heights; a check that is good names exceptions.
            if check.parts and not check.name.startswith("Heights "):
                here = index.isin(check.parts)
                level[here] = np.maximum(level[here], weight[check.verdict])
    return [
        Class("nothing", QUIET, level == 0),
        Class("repaired, or a rare exception", "#56b4e9", level == 1),
        Class("look", "#e69f00", level == 2),
        Class("bad", "#a3201a", level == 3),
    ]


def _logs(quality: Quality) -> str:
    """Return the gravest rows of the logs."""
    sections = []
    titles = {"repairs": "Repairs", "conflicts": "Conflicts of heights"}
    for name, table in (("repairs", quality.repairs), ("conflicts", quality.conflicts)):
        if table is None or not len(table):
            continue
        flat = table.reset_index() if table.index.name else table
        columns = [column for column in LOG_COLUMNS[name] if column in flat.columns]
        order = LOG_ORDER[name]
        if order in flat.columns:
            size = pd.to_numeric(flat[order], errors="coerce").abs()
            flat = flat.loc[size.sort_values(ascending=False, kind="stable").index]
        head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
            for row in flat[columns].head(MOST_LOGGED).itertuples(index=False)
        )
        shown = min(len(flat), MOST_LOGGED)
        sections.append(
            f"<section><h2>{titles[name]}: the {shown} largest of {len(flat):,}</h2>"
            f'<div class="scroll" tabindex="0" role="region" aria-label="{titles[name]}">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
            "</section>"
        )
    return "".join(sections)


def _cell(value: object) -> str:
    """Write a value of a log."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:,.2f}" if isinstance(value, float) else escape(str(value))


def _notes(quality: Quality) -> str:
    """Return what building the twin told."""
    groups: Sequence[tuple[str, Sequence[str]]] = (
        ("Told while building", quality.notes),
        ("Told of the weather", quality.weather_notes),
    )
    return "".join(
        f"<div><h3>{title}</h3><ul>"
        f"{''.join(f'<li>{escape(_sentence(note))}</li>' for note in notes)}</ul></div>"
        for title, notes in groups
        if notes
    )
