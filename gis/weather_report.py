"""Show a comparison of two weather years as text or as a piece of a page."""

from html import escape

import numpy as np
import pandas as pd

from gis.weather_comparison import SIDES, YEAR, WeatherComparison

_NAMES = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_LABELS = {"ghi": "GHI", "dni": "DNI", "dhi": "DHI"}
_COLOURS = {"a": "#c05a00", "b": "#2b6ca3"}  # told apart by the colour-blind too
_WIDTH, _HEIGHT = 660, 200
_LEFT, _BASE, _TOP = 44, 168, 26  # of the chart's plane [px]
_FACTS = {
    "closure_rmse": ("closure, RMSE [W/m2]", "{:.1f}"),
    "closure_off": ("sun hours that do not add up", "{:.1%}"),
    "sun_offset": ("sun from the label [min]", "{:+.0f}"),
    "own_split": ("DNI / model from own GHI", "{:.2f}"),
    "filled": ("hours taken from others", "{:.1%}"),
    "hours": ("hours", "{:.0f}"),
}


def comparison_text(comparison: WeatherComparison) -> str:
    """Lay a comparison out in plain text.

    Parameters
    ----------
    comparison : WeatherComparison
        What was compared.

    Returns
    -------
    str
        Sources, findings, a line for each month and the year, facts, clearness; at most 92
        columns wide but for the sources and findings.
    """
    lines = [f"A: {comparison.sources[0]}", f"B: {comparison.sources[1]}", ""]
    for finding in comparison.findings:
        mark = "!" if finding.severity != "good" else " "
        lines.append(f"{mark} {finding.text}")
    lines += ["", *_month_lines(comparison.months), ""]
    lines.append(f"{'':32}{'A':>10}{'B':>10}")
    for name, (label, form) in _FACTS.items():
        values = [_shown(comparison.facts.loc[name, side], form) for side in SIDES]
        lines.append(f"{label:32}{values[0]:>10}{values[1]:>10}")
    lines += ["", "clearness index, share of hours with the sun above 10 degrees"]
    for edge, row in comparison.clearness.iterrows():
        bars = [round(40.0 * float(row[side])) for side in SIDES]
        for side, bar in zip(SIDES, bars, strict=True):
            start = f"{float(str(edge)):.1f}-" if side == "a" else "    "
            text = f"  {start} {side.upper()} {float(row[side]):6.1%} {'#' * bar}"
            lines.append(text.rstrip())
    return "\n".join(lines) + "\n"


def comparison_html(comparison: WeatherComparison) -> str:
    """Lay a comparison out as a piece of an HTML page.

    Parameters
    ----------
    comparison : WeatherComparison
        What was compared.

    Returns
    -------
    str
        One ``<section>`` with findings, a drawn chart (inline SVG) and tables; it needs no
        network, no script and no style sheet. Foreign text is escaped.
    """
    items = "".join(
        f'<li class="{finding.severity.value}">'
        f"{'<strong>' if finding.severity != 'good' else ''}{escape(finding.text)}"
        f"{'</strong>' if finding.severity != 'good' else ''}</li>"
        for finding in comparison.findings
    )
    sources = "".join(
        f'<li><span style="color:{_COLOURS[side]}">&#9632;</span> {side.upper()}: '
        f"{escape(source)}</li>"
        for side, source in zip(SIDES, comparison.sources, strict=True)
    )
    return (
        '<section class="weather-comparison" '
        'style="font-family:sans-serif;max-width:720px">'
        f"<h2>Two weather years compared</h2><ul>{sources}</ul>"
        f"<h3>Findings</h3><ul>{items}</ul>"
        f"<h3>Months</h3>{_bars(comparison.months, 'ghi')}{_bars(comparison.months, 'dni')}"
        f"{_clearness_lines(comparison.clearness)}{_html_months(comparison.months)}"
        f"{_html_facts(comparison.facts)}</section>\n"
    )


def comparison_record(comparison: WeatherComparison) -> dict[str, object]:
    """Put a comparison into plain values for JSON.

    Parameters
    ----------
    comparison : WeatherComparison
        What was compared.

    Returns
    -------
    dict
        ``sources``, ``findings``, ``months``, ``facts``, ``clearness``; no NaN, but null.
    """
    return {
        "sources": {"a": comparison.sources[0], "b": comparison.sources[1]},
        "findings": [
            {
                "check": finding.check,
                "severity": finding.severity.value,
                "text": finding.text,
                "value": _plain(finding.worst),
            }
            for finding in comparison.findings
        ],
        "months": _records(comparison.months),
        "facts": _records(comparison.facts),
        "clearness": _records(comparison.clearness),
    }


def _records(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Rows of a table by their label."""
    return {
        str(label): {str(name): _plain(value) for name, value in row.items()}
        for label, row in table.iterrows()
    }


def _plain(value: object) -> float | None:
    """Round a number to what matters; None for NaN."""
    number = float(value)  # type: ignore[arg-type]
    return round(number, 4) if np.isfinite(number) else None


def _shown(value: object, form: str) -> str:
    """Format a number; a dash for none."""
    number = float(value)  # type: ignore[arg-type]
    return form.format(number) if np.isfinite(number) else "-"


def _month_name(label: object) -> str:
    """Jan to Dec, or year."""
    return YEAR if label == YEAR else _NAMES[int(str(label)) - 1]


def _month_lines(months: pd.DataFrame) -> list[str]:
    """Rows of numbers under a heading."""
    head = f"{'':5}" + "".join(f"{label + ' A':>7}{'B':>7}{'A/B':>6}" for label in
                               _LABELS.values())  # fmt: skip
    lines = [f"{'':5}{'sums in kWh/m2':<60}{'DHI/GHI':^13}{'degC':^14}".rstrip()]
    lines.append(head + f"{'A':>7}{'B':>6}{'T A':>7}{'B':>7}")
    for label, row in months.iterrows():
        cells = [f"{_month_name(label):<5}"]
        for name in _LABELS:
            cells += [f"{row[f'{name}_a']:7.0f}", f"{row[f'{name}_b']:7.0f}"]
            cells.append(f"{_shown(row[f'{name}_ratio'], '{:.2f}'):>6}")
        cells += [f"{_shown(row['diffuse_a'], '{:.2f}'):>7}"]
        cells += [f"{_shown(row['diffuse_b'], '{:.2f}'):>6}"]
        cells += [f"{row['temp_a']:7.1f}", f"{row['temp_b']:7.1f}"]
        lines.append("".join(cells))
    return lines


def _html_months(months: pd.DataFrame) -> str:
    """Table of the months."""
    heads = [""]
    heads += [f"{label} {part}" for label in _LABELS.values() for part in ("A", "B", "A/B")]
    heads += ["DHI/GHI A", "B", "&deg;C A", "B"]
    rows = []
    for label, row in months.iterrows():
        cells = [_month_name(label)]
        for name in _LABELS:
            cells += [f"{row[f'{name}_{side}']:.0f}" for side in SIDES]
            cells.append(_shown(row[f"{name}_ratio"], "{:.2f}"))
        cells += [_shown(row[f"diffuse_{side}"], "{:.2f}") for side in SIDES]
        cells += [f"{row[f'temp_{side}']:.1f}" for side in SIDES]
        rows.append("".join(f'<td style="text-align:right">{cell}</td>' for cell in cells))
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        '<table style="font-size:12px;border-spacing:6px 2px"><caption>Sums in kWh/m&sup2;'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _html_facts(facts: pd.DataFrame) -> str:
    """Table of the facts."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(label)}</th>"
        + "".join(f"<td>{_shown(facts.loc[name, side], form)}</td>" for side in SIDES)
        + "</tr>"
        for name, (label, form) in _FACTS.items()
    )
    return (
        '<table style="font-size:12px;border-spacing:6px 2px"><thead><tr><th></th>'
        f"<th>A</th><th>B</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _bars(months: pd.DataFrame, name: str) -> str:
    """Draw the monthly sums of one radiation as pairs of bars."""
    table = months.loc[months.index != YEAR]
    most = max(float(table[[f"{name}_a", f"{name}_b"]].max().max()), 1.0)
    step = (_WIDTH - _LEFT - 10) / 12.0
    parts = []
    for place, (label, row) in enumerate(table.iterrows()):
        left = _LEFT + step * place
        for side, shift in zip(SIDES, (0.12, 0.5), strict=True):
            high = (_BASE - _TOP) * float(row[f"{name}_{side}"]) / most
            parts.append(
                f'<rect x="{left + shift * step:.1f}" y="{_BASE - high:.1f}" '
                f'width="{0.36 * step:.1f}" height="{high:.1f}" fill="{_COLOURS[side]}"/>'
            )
        parts.append(_word(left + 0.5 * step, _BASE + 15, _month_name(label)))
    title = f"{_LABELS[name]}, kWh/m² a month"
    return _chart(title, parts, [(0.0, "0"), (most / 2.0, f"{most / 2.0:.0f}"),
                                 (most, f"{most:.0f}")], most)  # fmt: skip


def _clearness_lines(clearness: pd.DataFrame) -> str:
    """Draw the two distributions of the clearness index as lines."""
    most = max(float(clearness.max().max()), 0.01)
    step = (_WIDTH - _LEFT - 10) / len(clearness)
    parts = []
    for side in SIDES:
        points = " ".join(
            f"{_LEFT + step * (place + 0.5):.1f},"
            f"{_BASE - (_BASE - _TOP) * float(value) / most:.1f}"
            for place, value in enumerate(clearness[side])
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{_COLOURS[side]}" '
            'stroke-width="2.5"/>'
        )
    for place, edge in enumerate(clearness.index):
        parts.append(_word(_LEFT + step * (place + 0.5), _BASE + 15,
                           f"{float(edge):.1f}-{float(edge) + 0.1:.1f}"))  # fmt: skip
    title = "Clearness index, share of the hours with the sun above 10°"
    return _chart(title, parts, [(0.0, "0 %"), (most, f"{most:.0%}")], most)


def _word(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    """Place a word in a chart."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="{anchor}" '
        f'fill="#333">{escape(text)}</text>'
    )


def _chart(
    title: str, parts: list[str], ticks: list[tuple[float, str]], most: float
) -> str:
    """Frame the parts of a chart with a title, a key and lines of the scale."""
    lines = []
    for value, text in ticks:
        y = _BASE - (_BASE - _TOP) * value / most
        lines.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - 10}" y2="{y:.1f}" '
            'stroke="#ccc"/>' + _word(_LEFT - 4, y + 4, text, anchor="end")
        )
    key = "".join(
        f'<rect x="{_WIDTH - x}" y="5" width="11" height="11" fill="{_COLOURS[side]}"/>'
        + _word(_WIDTH - x + 15, 15, side.upper(), anchor="start")
        for side, x in zip(SIDES, (80, 45), strict=True)
    )
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif">'
        f"{_word(_LEFT, 15, title, anchor='start')}{key}"
        f"{''.join(lines)}{''.join(parts)}</svg>"
    )
