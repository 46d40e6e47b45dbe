"""Judge the weather year and the credits."""

from pyproj import Geod

from gis.weather_checks import check_weather
from gis.weather_findings import Finding, Severity
from twin.quality import Check, Topic, Verdict, judged
from twin.quality_files import Files

VERDICTS = {
    Severity.GOOD: Verdict.GOOD,
    Severity.DOUBT: Verdict.LOOK,
    Severity.FAULT: Verdict.BAD,
}

# Perez, Seals, Zelenka 1997, doi 10.1016/S0038-092X(96)00162-4: hour by hour, satellites
# tell more than a station that lies farther than this.
NEAR = 25.0  # [km]
FAR = 150.0  # [km] about Helsingborg to Gothenburg, another climate of cloud and wind

BY_USER = "as given by the user"
CLOSURE = "closure"


def weather_topic(files: Files) -> Topic:
    """Judge the year by physics, by what was filled and by where it was measured."""
    weather = files.weather
    findings = check_weather(weather)
    passed = [one for one in findings if one.severity is Severity.GOOD]
    shown = [
        one for one in findings if one.severity is not Severity.GOOD or one.check == CLOSURE
    ]
    share = weather.filled_hours / weather.hours
    checks = [
        Check("Source", weather.source),
        judged(
            "Filled hours",
            f"{weather.filled_hours:,} of {weather.hours:,} hours taken from others",
            share,
            unit="share",
            good=0.01,
            bad=0.1,
            reason="a year with a tenth made up is no measured year",
        ),
        _distance(files),
        Check(
            "Plausibility",
            f"{len(passed)} of {len(findings)} checks of hours passed",
            float(len(passed)),
            "checks",
            Verdict.GOOD if len(passed) == len(findings) else None,
            "good if all pass; each other one is told below",
            "limits of the Baseline Surface Radiation Network and of the air",
            rows=tuple((one.check, one.text) for one in passed),
        ),
        *(_finding(one) for one in shown),
    ]
    return Topic("Weather", tuple(checks))


def _distance(files: Files) -> Check:
    """Judge how far away the weather was measured."""
    frame, weather = files.description["frame"], files.weather
    if weather.latitude is None or weather.longitude is None:
        return Check(
            "Distance",
            "its place is not told",
            verdict=Verdict.LOOK,
            limit="good if the place is told and near",
            reason="without a place nobody knows whose sky it is",
        )
    _, _, metres = Geod(ellps="WGS84").inv(
        frame["longitude"], frame["latitude"], weather.longitude, weather.latitude
    )
    return judged(
        "Distance",
        f"{metres / 1000.0:,.1f} km from the district",
        metres / 1000.0,
        unit="km",
        good=NEAR,
        bad=FAR,
        reason="beyond 25 km satellites tell the hours better than a station (Perez 1997); "
        "at 150 km the climate is another one",
    )


def _finding(finding: Finding) -> Check:
    """Tell a finding of the weather checks."""
    return Check(
        f"Check: {finding.check}",
        finding.text.removesuffix("."),
        finding.hours / finding.of_hours if finding.of_hours else finding.worst,
        "share" if finding.of_hours else "",
        VERDICTS[finding.severity],
        "as docs/weather.md states",
        "physics ties the three radiations, the sun and the clock together",
    )


def credit_topic(files: Files) -> Topic:
    """Judge whether everybody can be named."""
    twin = files.description["twin"]
    lines = [str(line) for line in twin["credits"]]
    unnamed = [line for line in lines if BY_USER in line]
    known = len(lines) - len(unnamed)
    found = f"{known} of {len(lines)} sources name an owner" if lines else "none"
    verdict = Verdict.LOOK if unnamed or not lines else Verdict.GOOD
    return Topic(
        "Credits",
        (
            Check(
                "Owners named",
                found,
                float(known),
                "sources",
                verdict,
                "good if every source names its owner",
                "licences ask for the owner's name on every map",
                rows=tuple((line, "") for line in lines),
            ),
            Check(
                "Kind of model",
                "schematic, not survey data" if twin.get("schematic") else "from real data",
            ),
        ),
    )
