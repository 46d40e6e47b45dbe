"""Write the answer to a siting question as one page for a planner."""

import base64
import re
from collections.abc import Sequence
from datetime import date
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd

from gis.faults import count_things
from gis.files import atomic_path
from meshes.render.colours import IrradiationScale
from meshes.render.words import ENGLISH, moment_words
from twin.siting import WANTED_HOURS, Evaluation, Site
from twin.siting_pictures import SIZE, Pictures
from twin.siting_record import evaluation_record, total_numbers
from twin.siting_words import (
    Pair,
    Row,
    bare_share,
    building_name,
    capital,
    lead_words,
    number,
    own_pairs,
    place_words,
    total_pairs,
    verdict_words,
    what_words,
)
from twin.web.colours import ColourScale, irradiation_scale
from twin.web.figures import wind
from twin.web.loss_map import loss_map

SHOWN = 8
"""Neighbours in the table: as many as leave room on one page."""

MOST_ASKED = 12
"""Rules to be checked by a person on the page."""

ANSWERS = {"PASS": "word", "FAIL": "word fail", "CHECK": "word ask"}
"""Answers to a rule and how the page shows them."""

UNIT_GAP = re.compile(r"(?<=\d) (?=%|m²|[kMG]Wh)")
"""Number and unit stay on one line."""

NO_PICTURES = "Drawn without pictures; leave out --no-pictures to have them."


def write_page(
    path: Path,
    site: Site,
    evaluation: Evaluation,
    *,
    pictures: Pictures | None = None,
    without: str = NO_PICTURES,
    made: date | None = None,
) -> None:
    """Write the answer as one HTML file that prints on a sheet of A4.

    Parameters
    ----------
    path : Path
        Ends in ``.html``; its folder must exist.
    site : Site
        The twin.
    evaluation : Evaluation
        What the candidate does to it.
    pictures : Pictures, optional
        Before and after, see `twin.siting_pictures.draw_pictures`, with the first
        `SHOWN` neighbours numbered.
    without : str
        What to say in place of the pictures.
    made : date, optional
        Day of the answer; today by default.

    Raises
    ------
    OutputError
        If the file cannot be written.

    Notes
    -----
    The page forbids the browser every connection and holds no script. Equal input and day
    give equal bytes.
    """
    record = evaluation_record(site, evaluation, made=made)
    origin, rows = record["heidi"], record["neighbours"]
    candidate, totals = record["candidate"], record["totals"]
    plan = loss_map(site, evaluation, numbered=SHOWN)
    schematic = site.built.district.schematic
    notes = [
        *candidate["notes"],
        *(f"in the plan, {note}" for note in record.get("plan", {}).get("notes", ())),
    ]
    limits = (*origin["limits"], *(f"{capital(note)}." for note in notes))
    many = f"The {SHOWN} neighbours that lose most"
    page = Template(_asset("siting.html")).substitute(
        css=_asset("siting.css"),
        title=escape(candidate["name"]),
        district=escape(origin["district"]),
        what=escape(what_words(candidate)),
        label=f'<p class="label">{escape(capital(origin["label"]))}</p>'
        if schematic
        else "",
        verdict_class="kept" if record["passed"] else "broken",
        verdict=escape(verdict_words(record)),
        rules=_rules(record["rules"]),
        asked=_asked(record.get("open_rules", ())),
        lead=escape(UNIT_GAP.sub("\N{NO-BREAK SPACE}", lead_words(rows, totals))),
        pictures=_pictures(pictures, site)
        if pictures
        else f'<p class="without">{escape(without)}</p>',
        map=plan.svg,
        map_legend=plan.legend,
        totals=_pairs(total_pairs(totals)),
        own=_pairs(own_pairs(candidate)),
        table_title=many if len(rows) > SHOWN else "The neighbours that lose light",
        table=_table(rows),
        method=escape(" ".join(origin["method"])),
        limits=escape(" ".join(limits)),
        credits=escape(f"Sources: {' · '.join(origin['credits'])}."),
        origin=escape(
            f"Evaluated {origin['date']} with heidi {origin['version']}, MIT licence. "
            f"Fingerprint of the twin's inputs: {origin['inputs']}. Plan: SWEREF 99 13 30, "
            "heights: RH 2000. Nothing on this page is loaded from the network."
        ),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _asset(name: str) -> str:
    """Return a file of the page."""
    return resources.files("twin.web").joinpath(name).read_text(encoding="utf-8")


def _rules(rules: Sequence[Row]) -> str:
    """Write every rule with its answer; those of a plan that are kept share lines."""
    kept: dict[str, list[Row]] = {}
    items = []
    for rule in rules:
        if "zone" in rule and rule["passed"]:
            kept.setdefault(rule["source"], []).append(rule)
        else:
            words = f"{_squares(rule['words'])}."
            items.append(_item(_word(rule), rule["rule"], words, rule["source"]))
    for source, rows in kept.items():
        words = "; ".join(f"{row['rule']}: {_squares(row['words'])}" for row in rows)
        name = "the plan" if len(rows) == 1 else f"{len(rows)} rules of the plan"
        items.append(_item("PASS", name, f"{words}.", source))
    return "".join(items)


def _word(rule: Row) -> str:
    """Return the answer of a rule that was judged."""
    return "PASS" if rule["passed"] else "FAIL"


def _item(answer: str, name: str, words: str, source: str) -> str:
    """Write a line of an answer, one of `ANSWERS`."""
    title = f"<b>{escape(capital(name))}:</b> " if name else ""
    told = f" <small>Rule: {escape(source)}.</small>" if source else ""
    return (
        f'<li><span class="{ANSWERS[answer]}">{answer}</span> '
        f"<span>{title}{escape(words)}{told}</span></li>"
    )


def _asked(rules: Sequence[Row]) -> str:
    """Write the rules that a person must check, those of a zone together."""
    if not rules:
        return ""
    zones: dict[tuple[str, str], list[str]] = {}
    for rule in rules[:MOST_ASKED]:
        key = (rule["zone"], rule["source"])
        zones.setdefault(key, []).append(_squares(rule["words"]))
    items = [
        _item("CHECK", zone, f"{'; '.join(words) if zone else capital(words[0])}.", source)
        for (zone, source), words in zones.items()
    ]
    if len(rules) > MOST_ASKED:
        more = count_things(len(rules) - MOST_ASKED, "more rule")
        items.append(_item("CHECK", "", f"{more}: all are in the GeoJSON.", ""))
    return f"<h3>To be checked by a person</h3><ul>{''.join(items)}</ul>"


def _squares(words: str) -> str:
    """Write square metres as pages do."""
    return words.replace(" m2", " m²")


def _pictures(pictures: Pictures, site: Site) -> str:
    """Place both pictures with their colours."""
    towards = wind(pictures.azimuth)
    figures = []
    for told, image, caption in (
        ("as it is", pictures.before, "<b>Before.</b> Dashed: where it would stand."),
        ("with the new building", pictures.after, "<b>After.</b> Blue: the new building."),
    ):
        data = base64.b64encode(image).decode("ascii")
        alt = (
            f"The place {told}, seen obliquely towards {towards}; roofs and facades carry "
            "the colour of their light in a year. The table below holds the numbers."
        )
        figures.append(
            f'<figure><img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}" '
            f'width="{SIZE[0]}" height="{SIZE[1]}"><figcaption>{caption}</figcaption>'
            "</figure>"
        )
    shade = "" if site.lit.crowns is not None else " Trees do not shade the light."
    trees = shade if len(site.built.district.trees) else ""
    moment = moment_words(pictures.sun.when, ENGLISH)
    return (
        f'{"".join(figures)}<div class="key">{_light_legend(pictures.scale)}<p>View '
        f"towards {towards}; numbers as in the table. Colours: light of a year. Drawn "
        f"shadows: {escape(moment)}.{trees}</p></div>"
    )


def _light_legend(scale: IrradiationScale) -> str:
    """Draw the colours of the irradiation."""
    colours: ColourScale = irradiation_scale([scale.top])
    stops = "".join(
        f'<stop offset="{k / 12:.3f}" stop-color="{colour}"/>'
        for k, colour in enumerate(colours.hexes(np.linspace(0.0, scale.top, 13)))
    )
    ticks = "".join(
        f'<text x="{1 + 398 * tick / scale.top:.1f}" y="23" text-anchor="{side}">'
        f"{tick:,.0f}{unit}</text>"
        for tick in scale.ticks
        for side, unit in [
            ("start", "")
            if tick == 0
            else ("end", " kWh/m²")
            if tick == scale.ticks[-1]
            else ("middle", "")
        ]
    )
    return (
        '<svg class="scale" viewBox="0 0 400 26" role="img" aria-label="Colours of light a '
        f"year from 0, dark violet, to {scale.top:,.0f} kWh per square metre, yellow"
        f'"><defs><linearGradient id="light">{stops}</linearGradient></defs>'
        '<rect x="1" y="1" width="398" height="9" fill="url(#light)" stroke="#8a8f93" '
        f'stroke-width=".5"/>{ticks}</svg>'
    )


def _pairs(rows: Sequence[Pair]) -> str:
    """Write names and numbers."""
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}"
        f"{f' <small>{escape(more)}</small>' if more else ''}</dd></div>"
        for name, value, more in rows
    )


def _table(rows: Sequence[Row]) -> str:
    """Write the neighbours that lose most, the others as one row, and all."""
    if not rows:
        return "<p>None.</p>"
    day = "Sun at equinox, h"
    head = (
        '<thead><tr><th rowspan="2" scope="col" class="l">No.</th>'
        '<th rowspan="2" scope="col" class="l">Building</th>'
        '<th rowspan="2" scope="col" class="l">Where</th>'
        '<th colspan="4" scope="colgroup" class="g">Light on roofs and facades, kWh a '
        f'year</th><th colspan="2" scope="colgroup" class="g">{day}</th>'
        f'<th rowspan="2" scope="col">Falls below<br>{WANTED_HOURS:g} h, m²</th>'
        '<th rowspan="2" scope="col">Solar cells<br>lost, kWh</th></tr>'
        '<tr><th scope="col">before</th><th scope="col">after</th>'
        '<th scope="col">lost</th><th scope="col">lost, %</th>'
        '<th scope="col">before</th><th scope="col">after</th></tr></thead>'
    )
    body = "".join(_row(row) for row in rows[:SHOWN])
    foot, rest = "", rows[SHOWN:]
    if rest:
        foot += _sum_row(count_things(len(rest), "other building"), rest)
    foot += _sum_row("All", rows)
    return f"<table>{head}<tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"


def _row(row: Row) -> str:
    """Write a neighbour."""
    cells = [
        number(row["light_kwh_before"]),
        number(row["light_kwh_after"]),
        number(row["light_kwh_lost"]),
        bare_share(row["light_lost_percent"]),
        number(row["sun_hours_before"], 2),
        number(row["sun_hours_after"], 2),
        number(row["enough_sun_lost_m2"]),
        number(row["pv_kwh_lost"]),
    ]
    return (
        f'<tr><td class="l">{row["rank"]}</td><th scope="row" class="l">'
        f'{escape(building_name(row))}</th><td class="l">{place_words(row)}</td>'
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    )


def _sum_row(name: str, rows: Sequence[Row]) -> str:
    """Write the sums of some neighbours; hours of sun have none."""
    totals = total_numbers(pd.DataFrame(rows))
    before, lost = totals["light_kwh_before"], totals["light_kwh_lost"]
    cells = [
        number(before),
        number(before - lost),
        number(lost),
        bare_share(totals["light_lost_percent"]),
        "",
        "",
        number(totals["enough_sun_lost_m2"]),
        number(totals["pv_kwh_lost"]),
    ]
    return (
        f'<tr><td></td><th scope="row" class="l" colspan="2">{escape(name)}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    )
