"""Lay the answer to a siting question out on the terminal."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gis.faults import count_things
from twin.siting import WANTED_HOURS
from twin.siting_words import (
    bare_share,
    building_name,
    capital,
    lead_words,
    loss_words,
    number,
    open_words,
    own_pairs,
    place_words,
    total_pairs,
    verdict_words,
    what_words,
)

SHOWN = 15
"""Neighbours in the table."""

COLUMNS = (
    ("No.", "right"),
    ("Building", "left"),
    ("Where", "left"),
    ("Light before\n[kWh/year]", "right"),
    ("after\n[kWh/year]", "right"),
    ("Light lost\n[kWh/year]", "right"),
    ("lost\n[%]", "right"),
    ("Sun before\n[h]", "right"),
    ("after\n[h]", "right"),
    (f"Below {WANTED_HOURS:g} h\n[m²]", "right"),
    ("PV lost\n[kWh/year]", "right"),
)

WIDE = 128
"""Width from which a terminal shows all columns; narrower ones leave out `SPARED`."""

SPARED = (2, 3, 4, 7, 8)

MOST_ASKED = 20
"""Rules to be checked by a person that are shown; a hostile plan has thousands."""

LONGEST = 34
"""Longest name in the table [letters]."""


def show_answer(record: dict[str, Any]) -> None:
    """Print an answer: a table with colours on a terminal, aligned text elsewhere.

    Parameters
    ----------
    record : dict
        See `twin.siting_record.evaluation_record`; with ``files`` and ``seconds``.
    """
    console = Console(soft_wrap=True, highlight=False)
    for line in answer_lines(record):
        console.print(_with_colour(line))
    rows = record["neighbours"]
    if rows:
        console.print()
        cells = [neighbour_cells(row) for row in rows[:SHOWN]]
        if console.is_terminal:
            console.print(_rich_table(cells, wide=console.width >= WIDE))
        else:
            for line in plain_table(cells):
                console.print(Text(line))
    for line in closing_lines(record):
        console.print(Text(line))


def answer_lines(record: dict[str, Any]) -> list[str]:
    """Say what is asked, which rules are kept, and the sums."""
    candidate, origin = record["candidate"], record["heidi"]
    lines = [
        f"{candidate['name']} in {origin['district']} · {origin['label']}",
        what_words(candidate),
        *(f"  note: {capital(note)}" for note in candidate["notes"]),
        "",
        verdict_words(record),
        *rule_lines(record),
    ]
    lines += ["", lead_words(record["neighbours"], record["totals"])]
    blocks = (
        ("What the neighbours lose", total_pairs(record["totals"])),
        ("What the new building gets", own_pairs(candidate)),
    )
    for title, pairs in blocks:
        lines += ["", title]
        lines += [
            f"  {name:<36} {value:>11} {more}".rstrip() for name, value, more in pairs
        ]
    return lines


def rule_lines(record: dict[str, Any]) -> list[str]:
    """Say of every rule whether it is kept, then what a person must check."""
    rules, asked = record["rules"], record.get("open_rules", [])
    width = max(len(rule["rule"]) for rule in rules)
    told = []
    for rule in rules:
        word = "PASS" if rule["passed"] else "FAIL"
        words = f"  {word}  {rule['rule']:<{width}}  {rule['words']}"
        told.append((words, f"        {'':<{width}}  rule: {rule['source']}"))
    lines = _once_a_source(told)
    if asked:
        many = len(asked) - MOST_ASKED
        lines += ["", "To be checked by a person"]
        lines += _once_a_source(
            [
                (f"  CHECK  {open_words(rule)}", f"         rule: {rule['source']}")
                for rule in asked[:MOST_ASKED]
            ]
        )
        if many > 0:
            lines.append(f"  and {count_things(many, 'more rule')}: all are in the GeoJSON")
    notes = record.get("plan", {}).get("notes", [])
    return lines + [f"  note on the plan: {note}" for note in notes]


def _once_a_source(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Lay findings and sources out, one source for all of it that follow each other."""
    lines: list[str] = []
    for place, (words, source) in enumerate(pairs):
        lines.append(words)
        if place + 1 == len(pairs) or pairs[place + 1][1] != source:
            lines.append(source)
    return lines


def neighbour_cells(row: dict[str, Any]) -> list[str]:
    """Return a neighbour's cells in the order of `COLUMNS`."""
    name = building_name(row)
    return [
        str(row["rank"]),
        name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…",
        place_words(row),
        number(row["light_kwh_before"]),
        number(row["light_kwh_after"]),
        number(row["light_kwh_lost"]),
        bare_share(row["light_lost_percent"]),
        number(row["sun_hours_before"], 2),
        number(row["sun_hours_after"], 2),
        number(row["enough_sun_lost_m2"]),
        number(row["pv_kwh_lost"]),
    ]


def closing_lines(record: dict[str, Any]) -> list[str]:
    """Say what the table leaves out, which files were written and how long it took."""
    rest = record["neighbours"][SHOWN:]
    seconds = record["seconds"]
    lines = []
    if rest:
        lost = loss_words(sum(row["light_kwh_lost"] for row in rest))
        more = count_things(len(rest), "more neighbour")
        lines.append(f"{more}, together {lost} a year: all are in the GeoJSON.")
    lines.append("")
    lines += [f"Written  {path}" for path in record["files"]]
    took = f"Evaluated in {seconds['evaluation']:.1f} s"
    if record["pictures"]:
        took += f", pictures drawn in {seconds['pictures']:.1f} s"
    return [*lines, took]


def plain_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay cells out in columns of spaces."""
    heads = [title.split("\n") for title, _ in COLUMNS]
    heads = [head if len(head) > 1 else ["", *head] for head in heads]
    lines = [[head[k] for head in heads] for k in (0, 1)] + [list(row) for row in rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(COLUMNS))]
    return [
        "  ".join(
            cell.rjust(width) if side == "right" else cell.ljust(width)
            for cell, width, (_, side) in zip(line, widths, COLUMNS, strict=True)
        ).rstrip()
        for line in lines
    ]


def _rich_table(rows: Sequence[Sequence[str]], *, wide: bool) -> Table:
    """Lay cells out for a terminal."""
    shown = [k for k in range(len(COLUMNS)) if wide or k not in SPARED]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for k in shown:
        title, side = COLUMNS[k]
        table.add_column(
            Text(title),  # as it is: brackets are markup elsewhere
            justify="right" if side == "right" else "left",
            no_wrap=k != 1,
            overflow="fold",
            vertical="bottom",
        )
    for row in rows:
        table.add_row(*(Text(row[k]) for k in shown))
    return table


def _with_colour(line: str) -> Text:
    """Colour the words PASS, FAIL and CHECK; the words say it, too."""
    text = Text(line)
    if line.startswith("  PASS"):
        text.stylize("bold green", 2, 6)
    if line.startswith("  FAIL"):
        text.stylize("bold red", 2, 6)
    if line.startswith("  CHECK"):
        text.stylize("bold yellow", 2, 7)
    return text
