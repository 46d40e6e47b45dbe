"""Read entities in the form in which nearly all come, several times as fast."""

from typing import TypeGuard

from twin.ingest.payloads.fields import (
    NAME_LENGTH,
    UNIT_LENGTH,
    FieldError,
    instant,
)
from twin.ingest.payloads.ngsi_words import ABOUT, MEASUREMENT, MODIFIED, NUMBERS
from twin.ingest.readings import Reading

PLAIN = frozenset(("type", "value", "unitCode", "observedAt"))
"""Members of a plain attribute."""

ODD = frozenset(("outlier", *MODIFIED))
"""Members of entities that are no plain ones."""


def plain_readings(entity: object, passed: dict[str, int]) -> list[Reading] | None:
    """Return the readings of a plain entity, None if it is none.

    A plain entity has attributes with value and time of their own, maybe a unit, and
    nothing that does not hold. What it says is the same as `twin.ingest.payloads.ngsi`
    finds by asking for all that could be there.

    Parameters
    ----------
    entity : object
    passed : dict of str to int
        Attributes without a number, which are counted here.
    """
    if type(entity) is not dict or not ODD.isdisjoint(entity):
        return None
    own = entity.get("id")
    device = own
    if "refDevice" in entity:
        device = _told(entity["refDevice"], "object")
    if not (_is_name(own) and _is_name(device)):
        return None
    found: list[Reading] = []
    texts: list[str] = []
    for key, attribute in entity.items():
        if key in ABOUT:
            continue
        if type(attribute) is not dict or not PLAIN.issuperset(attribute):
            return None
        value = attribute.get("value")
        if type(value) is str:
            # The text of a device may pack several values.
            if key == "value" or attribute.get("type") in NUMBERS:
                return None
            texts.append(key)
            continue
        unit = attribute.get("unitCode")
        what = key
        if key == MEASUREMENT:
            what = _told(entity.get("controlledProperty"), "value")
            # Its unit may be that of the entity.
            if unit is None:
                return None
        if unit is None:
            unit = ""
        elif type(unit) is not str or len(unit) > UNIT_LENGTH or not unit.isprintable():
            return None
        when = attribute.get("observedAt")
        if type(when) is not str or "/" in when or not _is_name(what):
            return None
        if type(value) is not float or value - value != 0.0:
            return None
        try:
            time = instant(when)
        except FieldError:
            return None
        found.append(Reading(device, what, time, value, unit))
    for key in texts:
        passed[key] = passed.get(key, 0) + 1
    return found


def _told(member: object, key: str) -> object:
    """Return the text of a member, whole or under a key; None if it is no plain one."""
    if type(member) is dict:
        # Of both a value would count before an object.
        return None if key == "object" and "value" in member else member.get(key)
    return member


def _is_name(text: object) -> TypeGuard[str]:
    """Return whether something is a name that can be kept."""
    return type(text) is str and 0 < len(text) <= NAME_LENGTH and text.isprintable()
