"""Tell on the command line what solar plants should give in any weather."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.stages import Stages

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from twin.expectation.expected_power import Expected
    from twin.expectation.forecast import Forecast

MOST_NAMED = 5
"""Systems that are named on the screen."""

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Twin folder, as heidi build writes it.")
]


def expect(
    folder: Folder,
    weather: Annotated[
        Path,
        typer.Option(
            "--weather",
            help="Weather in steps of 1 to 60 min: time with zone and ghi, or dni and dhi, "
            "temp_air, wind_speed (.csv, .parquet, .epw). With issue_time: a forecast.",
        ),
    ],
    start: Annotated[
        str | None, typer.Option("--from", help="First moment, such as 2026-06-21T00:00Z.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="First moment that is too late.")
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", help="Take the newest forecast issued by this moment."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Every step of every system: .csv or .parquet."),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the answer as JSON.")
    ] = False,
) -> None:
    """Tell what panels and collectors should give, on their own roofs and facades.

    Shade and all, as large as they are told to be. From measured weather, or for the 48
    hours of a weather forecast; powers of generation are negative in files, as in all
    tables.

    Example: heidi expect heidi-demo --weather june.csv --from 2016-06-01T00:00Z
    --to 2016-06-08T00:00Z --out expected.csv
    """
    from importlib.metadata import version

    from gis.errors import TableError
    from gis.files import check_ending
    from twin.description import input_hash
    from twin.expectation.forecast import forecast_power
    from twin.expectation.output import ENDINGS, write_expected
    from twin.expectation.plants import place_of, plants_of
    from twin.expectation.power import expect as expect_power
    from twin.expectation.weather_files import (
        is_forecast,
        read_conditions,
        read_forecasts,
    )
    from twin.reopen import open_twin
    from twin.things import FILE, read_model

    if out is not None:
        check_ending(out, ENDINGS)
    first, last = read_time(start, "--from"), read_time(end, "--to")
    known = read_time(known_at, "--known-at")
    ahead = is_forecast(weather)
    if ahead and (first is not None or last is not None):
        message = "--from and --to are for measured weather, a forecast goes 48 hours on"
        raise TableError(message)
    if known is not None and not ahead:
        message = f"--known-at is for forecasts, but {weather} has no column issue_time"
        raise TableError(message)
    with Stages() as told:
        built = open_twin(folder, progress=told)
        place = place_of(built)
        plants = plants_of(built, read_model(folder / FILE))
        if not plants:
            message = f"{folder} must have panels or collectors, but no system has any"
            raise TableError(message)
        geometry, program = input_hash(built), version("heidi-twin")
        told("expecting", 0.0)
        if ahead:
            forecast = forecast_power(
                built.light,
                plants,
                read_forecasts(weather),
                place,
                source=weather.name,
                known_at=known,
                geometry=geometry,
                version=program,
            )
            expected, table = forecast.expected, forecast.table()
        else:
            conditions = read_conditions(
                weather,
                latitude=place.latitude,
                longitude=place.longitude,
                start=first,
                end=last,
            )
            forecast = None
            expected = expect_power(
                built.light, plants, conditions, place, geometry=geometry, version=program
            )
            table = expected.table()
        if out is not None:
            told("writing", 0.9)
            write_expected(out, table, expected.basis)
    if as_json:
        typer.echo(json.dumps(_record(expected, forecast), indent=1, ensure_ascii=False))
        return
    for line in _lines(expected, forecast):
        typer.echo(line)
    if out is not None:
        typer.echo(f"{'Written':<11}{out}: {len(table):,} rows")


def read_time(text: str | None, option: str) -> "pd.Timestamp | None":
    """Read a moment of an option; raises TableError if it has no time zone."""
    from datetime import datetime

    import pandas as pd

    from gis.errors import TableError

    if text is None:
        return None
    message = (
        f"{option} must be a moment with its time zone, got {text!r}; write it as "
        "2026-06-21T12:00Z"
    )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TableError(message) from error
    if moment.tzinfo is None:
        raise TableError(message)
    return pd.Timestamp(moment).tz_convert("UTC")


def _record(expected: "Expected", forecast: "Forecast | None") -> dict[str, object]:
    """Return the sums for programs."""
    import numpy as np

    from twin.expectation.hint import told

    energy = np.nansum(expected.energy, axis=1)
    basis = expected.basis
    heat = expected.collectors
    return {
        "from": told(int(expected.start[0])),
        "to": told(int(expected.start[-1]) + expected.step),
        "step_minutes": expected.step / 6e7,
        "steps_without_weather": _without_weather(expected),
        # Electricity and heat are never added up.
        "expected_kwh": round(float(energy[~heat].sum()), 3),
        "rated_kw": round(float(expected.rated[~heat].sum()), 3),
        "expected_heat_kwh": round(float(energy[heat].sum()), 3),
        "rated_heat_kw": round(float(expected.rated[heat].sum()), 3),
        "collector_m2": round(float(expected.collector_area[heat].sum()), 3),
        "systems": {
            name: round(float(value), 3)
            for name, value in zip(expected.systems, energy, strict=True)
        },
        "model": basis.model,
        "geometry": basis.geometry,
        "weather": basis.weather,
        "version": basis.version,
        "notes": list(basis.notes),
        **(
            {}
            if forecast is None
            else {
                "issue_time": told(forecast.issue),
                "members": forecast.members,
                "band": forecast.spread,
            }
        ),
    }


def _lines(expected: "Expected", forecast: "Forecast | None") -> list[str]:
    """Return the sums for people."""
    import numpy as np

    from twin.expectation.hint import told

    begin, end = told(int(expected.start[0])), told(int(expected.start[-1]) + expected.step)
    basis = expected.basis
    lines = [
        f"{'Time':<11}{begin} to {end}, {len(expected.start):,} steps of "
        f"{expected.step / 6e7:g} min",
        f"{'Weather':<11}{basis.weather}",
    ]
    for heat in (False, True):
        chosen = np.flatnonzero(expected.collectors == heat)
        if len(chosen):
            lines += _of_kind(expected, forecast, chosen, heat=heat)
    lines += [f"{'Note':<11}{note}" for note in basis.notes]
    unknown = _without_weather(expected)
    if unknown:
        lines.append(f"{'Note':<11}{unknown:,} steps have no weather.")
    lines.append(f"{'Model':<11}{basis.model}")
    return lines


def _of_kind(
    expected: "Expected",
    forecast: "Forecast | None",
    chosen: "NDArray[np.int64]",
    *,
    heat: bool,
) -> list[str]:
    """Return the sums of panels or of collectors for people."""
    import numpy as np

    from twin.expectation.hint import told

    energy = np.nansum(expected.energy, axis=1)
    total = np.nansum(expected.power[chosen], axis=0)
    highest = int(np.argmax(total))
    size = expected.collector_area if heat else expected.rated
    unit = "m2" if heat else "kWp"
    lines = [
        f"{'Heat' if heat else 'Expected':<11}{energy[chosen].sum():,.0f} kWh of "
        f"{len(chosen)} {'fields of collectors' if heat else 'systems'} with "
        f"{size[chosen].sum():,.0f} {unit}; most {total[highest]:,.0f} kW at "
        f"{told(int(expected.start[highest]))}",
    ]
    if forecast is not None:
        low, high = (
            float(np.nansum(side[chosen]) * expected.hours)
            for side in (forecast.low, forecast.high)
        )
        lines.append(
            f"{'Band':<11}{low:,.0f} to {high:,.0f} kWh if all were low or high at once; "
            f"from {forecast.spread}"
        )
    best = chosen[np.argsort(-energy[chosen])][:MOST_NAMED]
    return lines + [
        f"{'' if k else 'Most':<11}{expected.systems[row]}  {energy[row]:,.0f} kWh, "
        f"{energy[row] / max(size[row], 1e-9):.2f} kWh/{unit}"
        for k, row in enumerate(best)
    ]


def _without_weather(expected: "Expected") -> int:
    """Return how many steps have no weather."""
    import numpy as np

    return int(np.isnan(expected.power).all(axis=0).sum())
