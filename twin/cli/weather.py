"""Check and compare weather on the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gis.sources.weather_hours import RawHours
    from gis.weather import Weather
    from gis.weather_findings import Finding

TYPICAL = "typical"
"""Word for the embedded typical year where a file is expected."""

weather_app = typer.Typer(
    help="Check and compare years of weather.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@weather_app.command()
def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="Weather file or folder, or the word typical for the embedded year.",
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The one to measure A by.")],
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the comparison with charts as a page."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Compare two weather years: sums, ratios, diffuse share, clearness, clock.

    Lines with ! tell what differs enough to matter.

    Example: heidi weather compare gothenburg.epw dtu_2016.csv --html weather.html
    """
    from gis.files import atomic_path
    from gis.weather_comparison import compare_weather
    from gis.weather_report import comparison_html, comparison_record, comparison_text

    comparison = compare_weather(_year(a), _year(b))
    if html is not None:
        page = (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            "<title>Two weather years compared</title></head><body>"
            f"{comparison_html(comparison)}</body></html>\n"
        )
        with atomic_path(html) as temporary:
            temporary.write_text(page, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(comparison_record(comparison), indent=2))
        return
    typer.echo(comparison_text(comparison), nl=False)
    if html is not None:
        typer.echo(f"\nwritten: {html}")


@weather_app.command()
def check(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Weather file or folder of any length, or the word typical.",
        ),
    ],
    fill_from: Annotated[
        str | None,
        typer.Option(
            "--fill-from",
            help="Year that stands in for long gaps: a file, or the word typical.",
        ),
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="Calendar year to take of several.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Check weather against physics and itself, and say whether a twin can use it.

    Exit code 1 if something is at fault or the file cannot be used as a year.

    Example: heidi weather check dtu_2016.csv --fill-from typical
    """
    from gis.errors import WeatherError
    from gis.sources.weather_files import read_hours, read_weather
    from gis.weather_checks import check_weather
    from gis.weather_findings import Severity, worst_severity

    reference = None if fill_from is None else _year(fill_from)
    refusal, made = "", None
    if file == TYPICAL:
        made = _year(TYPICAL)
        findings = check_weather(made)
    else:
        findings = _raw_findings(read_hours(Path(file)))
        try:
            made = read_weather(Path(file), year=year, reference=reference)
        except WeatherError as error:
            refusal = str(error)
    if as_json:
        typer.echo(json.dumps(_check_record(findings, made, refusal), indent=2))
    else:
        typer.echo(_check_text(findings, made, refusal), nl=False)
    if made is None or worst_severity(findings) == Severity.FAULT:
        raise typer.Exit(1)


def _year(name: str) -> "Weather":
    """Read a year of weather, or make the embedded one."""
    if name == TYPICAL:
        from gis.typical_year import typical_year

        return typical_year()
    from gis.sources.weather_files import read_weather

    return read_weather(Path(name))


def _raw_findings(raw: "RawHours") -> "tuple[Finding, ...]":
    """Check the hours as the file has them, under the sun that fits them."""
    from gis.weather import MIDDLE_OF_HOUR, place_or_district
    from gis.weather_checks import check_hours, plausible_light
    from gis.weather_clock import find_sun_offset

    light = plausible_light(raw.table)
    fit = find_sun_offset(light, latitude=raw.latitude, longitude=raw.longitude)
    latitude, longitude = place_or_district(raw.latitude, raw.longitude)
    return check_hours(
        raw.table,
        latitude=latitude,
        longitude=longitude,
        sun_offset_minutes=fit.minutes if fit.decisive else MIDDLE_OF_HOUR,
    )


def _check_text(findings: "Sequence[Finding]", made: "Weather | None", refusal: str) -> str:
    """Lay the outcome of a check out in lines."""
    from gis.weather_flags import count_flags

    marks = {"good": " ", "doubt": "?", "fault": "!"}
    lines = [f"{marks[f.severity.value]} {f.check:18} {f.text}" for f in findings]
    if made is None:
        return "\n".join([*lines, "", f"cannot be used as a year: {refusal}"]) + "\n"
    lines += ["", f"usable as a year of {made.hours:,} hours: {made.source}"]
    sums = ", ".join(
        f"{kind.upper()} {made.annual(kind):,.0f}" for kind in ("ghi", "dni", "dhi")
    )
    lines.append(f"{sums} kWh/m2, mean {made.mean_temperature:.1f} degC")
    lines += [f"- {note}" for note in made.notes]
    if made.flags is not None:
        counts = count_flags(made.flags)
        lines += ["", f"{'hours by origin':20}" + "".join(f"{c:>13}" for c in counts)]
        for method, row in counts.iterrows():
            if row.any():
                cells = "".join(f"{int(count):>13,}" for count in row)
                lines.append(f"{method!s:20}{cells}")
    return "\n".join(lines) + "\n"


def _check_record(
    findings: "Sequence[Finding]", made: "Weather | None", refusal: str
) -> dict[str, object]:
    """Put the outcome of a check into plain values."""
    from gis.weather_flags import count_flags

    record: dict[str, object] = {
        "findings": [
            {
                "check": finding.check,
                "severity": finding.severity.value,
                "text": finding.text,
                "hours": finding.hours,
                "of_hours": finding.of_hours,
                "first": None if finding.first is None else finding.first.isoformat(),
            }
            for finding in findings
        ],
        "usable": made is not None,
        "refusal": refusal or None,
    }
    if made is not None:
        record["source"] = made.source
        record["notes"] = list(made.notes)
        record["annual_kwh_m2"] = {
            kind: round(made.annual(kind), 1) for kind in ("ghi", "dni", "dhi")
        }
        if made.flags is not None:
            record["hours_by_origin"] = count_flags(made.flags).to_dict()
    return record
