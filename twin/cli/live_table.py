"""Lay the live state out on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

SHOWN = 15
"""Buildings that are shown unless all are asked for."""

MARKS = {
    "off": "✖ OFF",
    "short": "▼ short",
    "deviates": "! deviates",
    "stale": "◌ stale",
    "silent": "· silent",
    "ok": "✓ ok",
}
"""Sign and word of each status; colour only repeats what they say."""

COLOURS = {
    "off": "bold red",
    "short": "yellow",
    "deviates": "bold red",
    "stale": "magenta",
    "silent": "dim",
    "ok": "green",
}

COLUMNS = (
    ("State", "left"),
    ("Building", "left"),
    ("Name", "left"),
    ("PV now\n[kW]", "right"),
    ("expected\n[kW]", "right"),
    ("PV today\n[kWh]", "right"),
    ("expected\n[kWh]", "right"),
    ("share\n[%]", "right"),
    ("heat\n[kW]", "right"),
    ("electr.\n[kW]", "right"),
    ("indoor\n[°C]", "right"),
    ("age\n[h]", "right"),
    ("Finding", "left"),
)

WIDE = 130
"""Width from which a terminal shows the table."""


def show_status(record: dict[str, Any], folder: Path, *, everything: bool) -> None:
    """Print the state: by rich on a terminal, as plain text elsewhere.

    Parameters
    ----------
    record : dict
        As `twin.live_record.status_record` makes it.
    folder : Path
        Whose state it is; hints name it.
    everything : bool
        Whether to list the buildings that are well, too.
    """
    console = Console(soft_wrap=True, highlight=False)
    for line in overall_lines(record, folder):
        console.print(Text(line))
    if record["empty"]:
        return
    chosen = [b for b in record["buildings"] if everything or b["attention"]]
    shown = chosen if everything else chosen[:SHOWN]
    console.print()
    if not chosen:
        console.print("All buildings are well; --all lists them.")
        return
    console.print("Every building:" if everything else "Needs attention:")
    rows = [building_cells(building) for building in shown]
    if console.is_terminal:
        kinds = [str(building["status"]) for building in shown]
        if console.width >= WIDE:
            console.print(_rich_table(rows, kinds))
        else:
            for row, word in zip(rows, kinds, strict=True):
                for text in _stacked(row, word):
                    console.print(text)
    else:
        for line in plain_table(rows):
            console.print(Text(line))
    if any(building["silent"] for building in shown):
        console.print("In parentheses: values older than 3 h.")
    left = len(record["buildings"]) - len(shown)
    if left:
        console.print(f"{left} more buildings; --all lists them.")


def overall_lines(record: dict[str, Any], folder: Path) -> list[str]:
    """Say how the district as a whole is doing."""
    told = [record["district"]]
    if record["label"]:
        told.append(f"{record['label']} VALUES")
    if record["schematic"]:
        told.append("schematic model")
    lines = [" · ".join(told), record["as_of_words"]]
    if record["empty"]:
        return [*lines, f"No values yet. Feed some: heidi simulate {quote(str(folder))}"]
    now, day, gaps = record["now"], record["pv_day"], record["gaps"]
    due = max(1, gaps["due"])
    missing = gaps["known"] + gaps["unheard"]
    told_status = ", ".join(f"{n} {s}" for s, n in record["status"].items() if n)
    refused = record["quarantine"]
    reasons = ", ".join(f"{n} {reason}" for reason, n in refused["reasons"].items())
    why = f" ({reasons})" if reasons else ""
    lines += [
        "",
        f"PV now       {power(now['pv_power'])} kW of "
        f"{power(now['pv_power_expected'])} kW expected",
        f"PV today     {whole(day['measured_kwh'])} kWh of "
        f"{whole(day['expected_kwh'])} kWh expected ({percent(day['share'])} %), "
        f"in {day['hours_compared']:,} of {day['hours_due']:,} building hours with both",
        f"Heat         {whole(now['heat_power'])} kW",
        f"Electricity  {whole(now['electricity_power'])} kW used, "
        f"{whole(now['net_electricity'])} kW net of own generation",
        f"Buildings    {told_status}",
        f"Points       {record['points']['fresh']:,} of {record['points']['all']:,} fresh, "
        f"{record['points']['silent']:,} silent",
        f"Gaps today   {missing:,} of {gaps['due']:,} hourly values "
        f"({100 * missing / due:.1f} %): {gaps['known']:,} reported missing, "
        f"{gaps['unheard']:,} never came",
        f"Quarantine   {refused['rows']:,} rows refused{why}",
        f"Note         {record['expected_basis']}",
    ]
    if record["revisions"]:
        lines.append(f"Revisions    {record['revisions']:,} values superseded others")
    if record["unknown_points"]:
        lines.append(f"Unknown      {record['unknown_points']:,} points of another model")
    return lines


def building_cells(building: dict[str, Any]) -> list[str]:
    """Return a building's cells in the order of `COLUMNS`."""
    day = building["pv_day"] or {}

    def value(quantity: str) -> str:
        shown = (power if quantity == "pv_power" else one)(building[quantity])
        old = quantity in building["silent"] and building[quantity] is not None
        return f"({shown})" if old else shown

    return [
        MARKS[building["status"]],
        building["id"],
        building["name"],
        value("pv_power"),
        power(building["pv_power_expected"]),
        whole(day.get("measured_kwh")),
        whole(day.get("expected_kwh")),
        percent(day.get("share")),
        value("heat_power"),
        value("electricity_power"),
        value("indoor_temperature"),
        one(building["age_hours"]),
        "; ".join(finding["text"] for finding in building["findings"]),
    ]


def plain_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay cells out in columns of spaces, however wide they are."""
    heads = [title.split("\n") + [""] * (1 - title.count("\n")) for title, _ in COLUMNS]
    lines = [[head[k] for head in heads] for k in (0, 1)] + [list(row) for row in rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(COLUMNS))]
    sides = [side for _, side in COLUMNS]
    return [
        "  ".join(
            cell.rjust(width) if side == "right" else cell.ljust(width)
            for cell, width, side in zip(line, widths, sides, strict=True)
        ).rstrip()
        for line in lines
    ]


def _rich_table(rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> Table:
    """Lay cells out for a terminal; long names and findings are folded."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title, side in COLUMNS:
        folds = title in ("Name", "Finding")
        table.add_column(
            title,
            justify="right" if side == "right" else "left",
            no_wrap=not folds,
            overflow="fold",
        )
    for row, word in zip(rows, kinds, strict=True):
        cells = [Text(cell) for cell in row]
        cells[0].stylize(COLOURS[word])
        table.add_row(*cells)
    return table


def _stacked(row: Sequence[str], word: str) -> list[Text]:
    """Lay a building out in lines, for terminals too narrow for the table."""
    mark, name, called, now, expected, kwh, expected_kwh, share, *_, finding = row
    head = Text(f"{mark}  ", style=COLOURS[word]).append(f"{name}  {called}", style="bold")
    lines = [head]
    if kwh != "–":
        told = (
            f"PV now {now} of {expected} kW, today {kwh} of {expected_kwh} kWh ({share} %)"
        )
        lines.append(Text(f"   {told}"))
    return [*lines, Text(f"   {finding}")] if finding else lines


def power(value: float | None) -> str:
    """Return the yield of panels [kW]: the meter's sign turned."""
    return "–" if value is None else one(0.0 - value)


def one(value: float | None) -> str:
    """Return a number with one decimal."""
    return "–" if value is None else f"{value:,.1f}"


def whole(value: float | None) -> str:
    """Return a number without decimals."""
    return "–" if value is None else f"{value + 0.0:,.0f}"


def percent(value: float | None) -> str:
    """Return a share in percent."""
    return "–" if value is None else f"{100 * value:.1f}"
