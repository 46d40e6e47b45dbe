"""Say the answer to a siting question in words, for pages and terminals."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twin.siting import DAY_HOURS, WANTED_HOURS
from twin.web.figures import MISSING, energy, wind

Row = Mapping[str, Any]
Pair = tuple[str, str, str]
"""Name, number and what follows it in small type."""


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with separated thousands, a dash for what is unknown.

    >>> number(1234.56), number(-0.004, 2), number(None)
    ('1,235', '0.00', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    # Adding 0 takes the sign from a rounded zero.
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def share(percent: float | None) -> str:
    """Return a share with two digits that count, and never nothing for something.

    >>> share(12.34), share(1.234), share(0.123), share(0.001), share(0.0), share(None)
    ('12 %', '1.2 %', '0.12 %', 'below 0.01 %', '0 %', '–')
    """
    if percent is None:
        return MISSING
    if percent <= 0.0:
        return "0 %"
    if percent < 0.01:
        return "below 0.01 %"
    digits = 0 if percent >= 10.0 else 1 if percent >= 1.0 else 2
    return f"{percent:.{digits}f} %"


def bare_share(percent: float | None) -> str:
    """Return a share for a column of percents.

    >>> bare_share(12.345), bare_share(0.001), bare_share(0.0)
    ('12.35', '<0.01', '0.00')
    """
    if percent is not None and 0.0 < percent < 0.005:
        return "<0.01"
    return number(percent, 2)


def loss_words(kilowatt_hours: float, *, sign: str = "") -> str:
    """Return a loss of energy [kWh] after a sign; next to nothing is none.

    >>> loss_words(12_345.0), loss_words(-0.02), loss_words(3.0, sign="−")
    ('12.3 MWh', '0 kWh', '−3 kWh')
    """
    return f"{sign}{energy(kilowatt_hours)}" if kilowatt_hours >= 0.5 else energy(0.0)


def building_name(row: Row) -> str:
    """Return what a building is called: its name, its id, or both where names repeat."""
    return str(row["label"])


def place_words(row: Row) -> str:
    """Return where a neighbour stands, seen from the candidate.

    >>> place_words({"distance_m": 12.4, "bearing_deg": 91.0})
    '12 m E'
    >>> place_words({"distance_m": 0.0, "bearing_deg": 180.0})
    'touches, S'
    """
    point = wind(row["bearing_deg"])
    away = row["distance_m"]
    return f"{away:.0f} m {point}" if away >= 0.5 else f"touches, {point}"


def what_words(candidate: Row) -> str:
    """Say what is asked about.

    Parameters
    ----------
    candidate : mapping
        Of the record, see `twin.siting_record.evaluation_record`.
    """
    told = [
        candidate["use"],
        f"{number(candidate['height_m'], 1).removesuffix('.0')} m high",
        f"footprint {number(candidate['footprint_m2'])} m²",
        f"{candidate['blocks']} blocks" if candidate["blocks"] > 1 else "",
        f"ground floor at {candidate['floor_m_rh2000']:+.2f} m RH 2000",
    ]
    return capital(", ".join(word for word in told if word))


def verdict_words(record: Row) -> str:
    """Say how many rules are kept, and how many a person must check.

    Parameters
    ----------
    record : mapping
        See `twin.siting_record.evaluation_record`.

    Examples
    --------
    >>> verdict_words({"rules": [{"passed": True}, {"passed": False}]})
    '1 of 2 rules is broken'
    >>> verdict_words({"rules": [{"passed": True}] * 2})
    'Both rules are kept'
    >>> verdict_words({"rules": [{"passed": True}] * 3, "open_rules": [{"zone": "A"}]})
    'All 3 rules are kept; 1 more must be checked by a person'
    """
    rules = record["rules"]
    count = len(rules)
    broken = sum(not rule["passed"] for rule in rules)
    if count == 2 and broken != 1:
        words = f"Both rules are {'broken' if broken else 'kept'}"
    elif broken:
        words = f"{broken} of {count} rules {'is' if broken == 1 else 'are'} broken"
    else:
        words = f"All {count} rules are kept"
    if "plan" in record and not record["plan"]["zones"]:
        return f"{words}; the plan does not reach this place"
    asked = len(record.get("open_rules", ()))
    return f"{words}; {asked} more must be checked by a person" if asked else words


def open_words(rule: Row) -> str:
    """Say what a person must check.

    >>> open_words({"zone": "A1", "words": "at most 4 storeys", "source": "dp.gpkg"})
    'A1: at most 4 storeys'
    """
    return f"{rule['zone']}: {rule['words']}" if rule["zone"] else capital(rule["words"])


def lead_words(neighbours: Sequence[Row], totals: Row) -> str:
    """Say what the neighbours lose.

    Parameters
    ----------
    neighbours : sequence of mapping
        The largest loss first.
    totals : mapping
        Their sums.
    """
    if not neighbours:
        return "No neighbour loses light."
    worst = neighbours[0]
    count = len(neighbours)
    many = "One neighbour loses" if count == 1 else f"{count} neighbours lose together"
    words = (
        f"{many} {loss_words(totals['light_kwh_lost'])} of light a year, "
        f"{share(totals['light_lost_percent'])} of what falls on them."
    )
    if count > 1:
        words += (
            f" Most is taken from {building_name(worst)}: "
            f"{loss_words(worst['light_kwh_lost'])}, {share(worst['light_lost_percent'])}."
        )
    hours = f"{WANTED_HOURS:g} hours of sun at the equinox"
    deprived = totals["enough_sun_lost_m2"]
    if round(deprived):
        return (
            f"{words} {number(deprived)} m² of facade that had {hours} have them no longer."
        )
    return f"{words} No facade that had {hours} loses them."


def total_pairs(totals: Row) -> list[Pair]:
    """List what the neighbours lose together."""
    start, end = DAY_HOURS
    return [
        ("Buildings that lose light or sun", number(totals["neighbours"]), ""),
        (
            "Light on roofs and facades",
            loss_words(totals["light_kwh_lost"], sign="−"),
            f"a year ({share(totals['light_lost_percent'])})",
        ),
        (
            "Potential of solar cells",
            loss_words(totals["pv_kwh_lost"], sign="−"),
            "a year",
        ),
        (
            f"Facade losing its {WANTED_HOURS:g} h of sun, {start}–{end}",
            f"{number(totals['enough_sun_lost_m2'])} m²",
            "",
        ),
    ]


def own_pairs(candidate: Row) -> list[Pair]:
    """List what the new building gets."""
    start, end = DAY_HOURS
    return [
        ("Light on its roof", f"{number(candidate['roof_kwh_m2'])} kWh/m²", "a year"),
        ("Light on its facades", f"{number(candidate['facade_kwh_m2'])} kWh/m²", "a year"),
        (
            "Potential of solar cells",
            energy(candidate["pv_kwh"]),
            f"a year ({number(candidate['pv_kwp'])} kWp)",
        ),
        ("– of it on the roof", energy(candidate["pv_roof_kwh"]), "a year"),
        ("Sun on facades at the equinox", f"{number(candidate['sun_hours'], 1)} h", "mean"),
        (
            f"Facade with {WANTED_HOURS:g} h of sun, {start}–{end}",
            f"{number(candidate['enough_sun_percent'])} %",
            "",
        ),
    ]


def capital(text: str) -> str:
    """Return a sentence with a capital."""
    return text[:1].upper() + text[1:]
