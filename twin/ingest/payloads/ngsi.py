"""Read entities of context brokers: NGSI-LD, NGSIv2, in full or as key-values."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from twin.ingest.payloads.collector import Collector
from twin.ingest.payloads.document import read_document, read_lines
from twin.ingest.payloads.fields import (
    FieldError,
    instant,
    name,
    number,
    short,
    unit_text,
)
from twin.ingest.payloads.ngsi_plain import plain_readings
from twin.ingest.payloads.ngsi_words import (
    ABOUT,
    MEASUREMENT,
    MODIFIED,
    NUMBERS,
    OBSERVED,
    UNITS,
)
from twin.ingest.readings import Decoded, Fault, Reading
from twin.store.records import Quality

FORM = "ngsi"
LINES = "ngsi-lines"

WRAPS = ("Notification", "FeatureCollection", "Feature")
"""Types of what may hold entities, and is none."""

WRAPPING = frozenset(("subscriptionId", "actionType"))
"""Members of what holds entities, whatever its type."""

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NUMBER_LENGTH = 32

MOST_NOTED = 8


def decode(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return the readings of an entity, a list of entities or a notification.

    Every attribute that is a number, true or false is a reading named after it, or after
    ``controlledProperty`` for a `MEASUREMENT`; the device is ``refDevice``, as ids of
    observations change with each of them, or else the entity itself. Texts and structures
    are passed over and told.
    """
    collector = Collector(FORM, body)
    try:
        document = read_document(body)
    except FieldError as fault:
        collector.refuse_all(fault)
    else:
        collect(collector, document, topic=topic, arrival=arrival)
    return collector.done()


def decode_lines(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return the readings of a dump with one entity on each line, as `decode` does."""
    collector = Collector(LINES, body)
    documents, bad = read_lines(body)
    for place, line, fault in bad:
        collector.refuse_text(place, fault, line)
    collect(collector, documents, topic=topic, arrival=arrival)
    return collector.done()


def collect(
    collector: Collector,
    document: object,
    *,
    topic: str = "",  # noqa: ARG001 - every family is called alike
    arrival: int | None = None,  # noqa: ARG001
) -> None:
    """Add what a document says to a collector."""
    passed: dict[str, int] = {}
    position = 0
    for entity in _entities(document):
        position = _collect_entity(collector, entity, position, passed)
    if passed:
        shown = ", ".join(list(passed)[:MOST_NOTED])
        more = f" and {len(passed) - MOST_NOTED} more" if len(passed) > MOST_NOTED else ""
        collector.note(f"attributes without a number passed over: {shown}{more}")


def _entities(document: object) -> Iterator[object]:
    """Yield the entities of a document."""
    for thing in document if isinstance(document, list) else [document]:
        inner = None
        if isinstance(thing, dict) and (
            thing.get("type") in WRAPS or not WRAPPING.isdisjoint(thing)
        ):
            inner = wrapped(thing)
        if inner is None:
            yield thing
        else:
            for entity in inner:
                yield _of_feature(entity)


def wrapped(thing: dict[str, object]) -> list[object] | None:
    """Return the entities in a notification, an update or a collection; None for others."""
    inner: object = None
    if "subscriptionId" in thing or thing.get("type") == "Notification":
        inner = thing.get("data")
    elif "actionType" in thing:
        inner = thing.get("entities")
    elif thing.get("type") == "FeatureCollection":
        features = thing.get("features")
        # Other GeoJSON has features, too, but none that say of what type they are.
        if isinstance(features, list) and features and _is_feature(features[0]):
            inner = features
    elif _is_feature(thing):
        inner = thing
    if isinstance(inner, dict):
        # A notification of one entity, or a broker that writes no list for one.
        return wrapped(inner) if inner.get("type") == "FeatureCollection" else [inner]
    return inner if isinstance(inner, list) else None


def _is_feature(thing: object) -> bool:
    """Return whether an entity comes as GeoJSON."""
    if not isinstance(thing, dict) or thing.get("type") != "Feature":
        return False
    properties = thing.get("properties")
    return isinstance(properties, dict) and isinstance(properties.get("type"), str)


def _of_feature(entity: object) -> object:
    """Return an entity that comes as GeoJSON as it comes else."""
    if isinstance(entity, dict) and _is_feature(entity):
        return {"id": entity.get("id"), **entity["properties"]}
    return entity


def _collect_entity(
    collector: Collector, entity: object, position: int, passed: dict[str, int]
) -> int:
    """Add one entity; return the number of the row after its last."""
    found = plain_readings(entity, passed)
    if found is not None:
        collector.readings += found
        return position + len(found)
    try:
        about = _About(entity)
    except FieldError as fault:
        collector.refuse(position, fault, entity)
        return position + 1
    for key, attribute in about.attributes():
        for instance in _instances(attribute):
            try:
                found = list(_readings(about, key, instance))
            except FieldError as fault:
                collector.refuse(position, fault, {**about.frame(), key: instance})
                position += 1
                continue
            if not found:
                passed[key] = passed.get(key, 0) + 1
            collector.readings += found
            position += len(found)
    return position


class _About:
    """What an entity says of all its measurements."""

    __slots__ = ("device", "entity", "id", "quality", "type", "what")

    def __init__(self, entity: object) -> None:
        if not isinstance(entity, dict):
            text = f"an entity must be an object, got {short(entity)}"
            raise FieldError(Fault.SHAPE, text)
        self.entity: dict[str, object] = entity
        self.id = name(entity.get("id"), "id")
        self.type = entity.get("type")
        bad = "outlier" in entity and _plain(entity["outlier"]) is True
        self.quality = Quality.DOUBTFUL.value if bad else 0
        what = _plain(entity.get("controlledProperty"))
        self.what = what if isinstance(what, str) else ""
        reference = _plain(entity.get("refDevice"))
        if isinstance(reference, list) and len(reference) == 1:
            reference = reference[0]
        self.device = self.id
        if isinstance(reference, str) and reference:
            self.device = name(reference, "refDevice")

    def attributes(self) -> Iterator[tuple[str, object]]:
        """Yield names and attributes that may be measurements."""
        for key, attribute in self.entity.items():
            if key not in ABOUT:
                yield key, attribute

    def frame(self) -> dict[str, object]:
        """Return the entity without what is measured."""
        kept = (*ABOUT, "unit")
        return {key: self.entity[key] for key in kept if key in self.entity}

    def named(self, key: str) -> tuple[str, str]:
        """Return device and name of an attribute's readings."""
        if key != MEASUREMENT:
            return self.device, name(key, "an attribute's name")
        if self.what:
            return self.device, name(self.what, "controlledProperty")
        # Several of one device would be told apart by nothing but their own ids.
        return self.id, key


def _plain(attribute: object) -> object:
    """Return the value of an attribute, whatever it is wrapped in."""
    if type(attribute) is dict:
        for key in ("value", "object", "@value"):
            if key in attribute:
                inner = attribute[key]
                if isinstance(inner, dict) and "@value" in inner:
                    return inner["@value"]
                return inner
    return attribute


def _instances(attribute: object) -> list[object]:
    """Return the instances of an attribute: several data sets, or its course in time."""
    if isinstance(attribute, list) and any(isinstance(one, dict) for one in attribute):
        return attribute
    return [attribute]


def _readings(about: _About, key: str, attribute: object) -> Iterator[Reading]:
    """Yield the readings of one instance of an attribute."""
    own: dict[str, object] = attribute if isinstance(attribute, dict) else {}
    metadata = own.get("metadata")
    if isinstance(metadata, dict):
        own = {**metadata, **own}
    course = own.get("values")
    if isinstance(course, list):
        yield from _course(about, key, own, course)
        return
    value = _plain(attribute)
    if key == "value" and about.type == "Device" and isinstance(value, str):
        yield from _device_values(about, own, value)
        return
    if isinstance(value, bool):
        value = float(value)
    elif isinstance(value, str) and own.get("type") in NUMBERS:
        value = _number_of(value)
    # An attribute that is null in full says that it is not known; null alone says nothing.
    known_gap = value is None and "value" in own
    if not known_gap and type(value) not in (int, float):
        return
    device, what = _of_data_set(about, key, own)
    time, version, late = _times(about, own)
    quality = about.quality | (Quality.CLOCK.value if late else 0)
    unit = _unit(about, key, own)
    yield Reading(device, what, time, number(value), unit, version, quality)


def _number_of(text: str) -> float:
    """Return a number that is told as text, as agents of small devices do."""
    if len(text) < NUMBER_LENGTH and NUMBER.fullmatch(text):
        return float(text)
    message = f"an attribute whose type is a number must be one, got {short(text)}"
    raise FieldError(Fault.VALUE, message)


def _course(
    about: _About, key: str, own: dict[str, object], course: list[object]
) -> Iterator[Reading]:
    """Yield readings of pairs of value and time."""
    device, what = _of_data_set(about, key, own)
    unit = _unit(about, key, own)
    for pair in course:
        if not isinstance(pair, list) or len(pair) != 2:
            text = f"values must be pairs of value and time, got {short(pair)}"
            raise FieldError(Fault.SHAPE, text)
        value = float(pair[0]) if isinstance(pair[0], bool) else pair[0]
        time = instant(pair[1])
        yield Reading(device, what, time, number(value), unit, 0, about.quality)


def _of_data_set(about: _About, key: str, own: dict[str, object]) -> tuple[str, str]:
    """Return device and name; instances of several data sets are told apart."""
    device, what = about.named(key)
    data_set = own.get("datasetId")
    if data_set is None:
        return device, what
    return device, name(f"{what}@{name(data_set, 'datasetId')}", "an attribute's name")


def _device_values(about: _About, own: dict[str, object], text: str) -> Iterator[Reading]:
    """Yield what a Device packs in one text: ``l=0.22;t=21.2``, percent-encoded."""
    time, version, late = _times(about, own)
    quality = about.quality | (Quality.CLOCK.value if late else 0)
    for pair in unquote(text).split(";"):
        what, equals, value = pair.partition("=")
        try:
            read = number(float(value)) if equals and len(value) < 32 else None
        except ValueError:
            read = None
        if read is not None:
            what = name(what.strip(), "a name")
            yield Reading(about.id, what, time, read, "", version, quality)


def _times(about: _About, own: dict[str, object]) -> tuple[int | None, int, bool]:
    """Return time, version and whether the time is but that of the broker."""
    observed = _first(OBSERVED, own, about.entity)
    modified = _first(MODIFIED, own, about.entity)
    version = 0 if modified is None else _start(modified)
    if observed is not None:
        return _start(observed), version, False
    if modified is not None:
        return version, 0, True
    return None, 0, False


def _first(
    keys: tuple[str, ...], own: dict[str, object], entity: dict[str, object]
) -> object:
    """Return the first that is there, of the attribute before the entity."""
    for place in (own, entity):
        for key in keys:
            if key in place:
                found = _plain(place[key])
                if found not in (None, ""):
                    return found
    return None


def _start(value: object) -> int:
    """Return a time, or the start of an interval."""
    if isinstance(value, str) and "/" in value:
        value = value.partition("/")[0]
    return instant(value)


def _unit(about: _About, key: str, own: dict[str, object]) -> str:
    """Return the unit of an attribute, "" where none is told."""
    for place in (own, about.entity if key == MEASUREMENT else {}):
        for word in UNITS:
            if word in place:
                unit = _plain(place[word])
                if unit is not None:
                    return unit_text(unit)
    return ""
