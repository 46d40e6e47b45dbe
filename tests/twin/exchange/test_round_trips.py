"""Whatever things a district has, every file gives them back as they were."""

import json
from contextlib import suppress
from datetime import date
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.errors import HeidiError
from twin.exchange.brick import write_brick
from twin.exchange.brick_reading import read_brick
from twin.exchange.replacing import read_things, write_things
from twin.exchange.table import read_table, write_table
from twin.kinds import Kind
from twin.model import Building, District, Model, Point, System, SystemKind
from twin.quantities import Quantity
from twin.thing import ON_SURFACES
from twin.things import model_of, read_model, write_model

# What delimiters, addresses, escapes and spreadsheets trip over.
LETTERS = "aB7 åÖ漢😀|\\,;\"'%#:/?&<>{}[]=+@-_.~^`$*()"
NAMES = st.text(LETTERS, max_size=6).map(str.strip)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
SIZE = st.none() | st.floats(1e-6, 1e9)
SIZES = st.tuples(SIZE, SIZE, SIZE).filter(
    lambda sizes: sizes[0] is None or sizes[1] is None or sizes[0] <= sizes[1]
)
"""Rated power, area and limit: no m2 is rated above 1 kW."""

CLASSES = st.sampled_from(["", "Active_Power_Sensor", "PM2.5_Sensor", "rec:HVACZone"])


@st.composite
def spans(draw: st.DrawFn) -> tuple[date | None, date | None]:
    """Return a first day and a later one, or none."""
    days = draw(st.lists(st.dates(), min_size=2, max_size=2, unique=True).map(sorted))
    return (
        draw(st.sampled_from([None, days[0]])),
        draw(st.sampled_from([None, days[1]])),
    )


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Return a district, its things in the order in which files tell them."""
    ids = (f"{draw(NAMES)}{number}" for number in count())
    district = District(next(ids), draw(NAMES))
    buildings = tuple(
        Building(
            next(ids),
            draw(NAMES),
            use=draw(NAMES),
            year=draw(NUMBERS),
            floor_area=draw(NUMBERS),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    systems, points = [], []
    for owner in [*(b.id for b in buildings), ""]:
        for _ in range(draw(st.integers(0, 2))):
            facets = tuple(next(ids) for _ in range(draw(st.integers(0, 2))))
            kind = draw(st.sampled_from(SystemKind))
            sizes = draw(SIZES) if kind in ON_SURFACES else (None,) * 3
            systems.append(
                System(next(ids), owner, kind, facets, draw(NAMES), *draw(spans()), *sizes)
            )
            for _ in range(draw(st.integers(0, 2))):
                quantity = draw(st.sampled_from(Quantity))
                counts = quantity.kind is Kind.REGISTER
                points.append(
                    Point(
                        next(ids),
                        systems[-1].id,
                        quantity,
                        draw(st.integers(1, 366 * 86_400)),
                        draw(NAMES),
                        draw(CLASSES),
                        *draw(spans()),
                        draw(SIZE) if counts else None,
                    )
                )
    return Model(buildings, tuple(systems), tuple(points), district)


SETTINGS = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

FORMATS = {
    "model.json": (write_model, read_model),
    "things.jsonld": (write_brick, lambda path: read_brick(path).model),
    "things.csv": (write_table, lambda path: read_table(path).model),
}


@pytest.mark.parametrize("name", FORMATS)
@SETTINGS
@given(model=models())
def test_every_file_gives_back_what_was_written(name, model, tmp_path):
    write, read = FORMATS[name]
    path = tmp_path / name
    write(path, model)
    once = path.read_bytes()
    assert read(path) == model
    write(path, read(path))
    assert path.read_bytes() == once, "the same model, the same bytes"


@SETTINGS
@given(model=models())
def test_files_lead_to_each_other(model, tmp_path):
    """From one format into the next and back to the first, read by their content."""
    told = model
    for form in ("jsonld", "csv", "jsonld"):
        path = tmp_path / f"things.{form}"
        write_things(path, told, form=form)
        told = read_things(path).model
    assert told == model


@SETTINGS
@given(model=models(), seed=st.randoms(use_true_random=False))
def test_order_and_nesting_of_a_graph_do_not_matter(model, seed, tmp_path):
    """What other programs write back: other order, nodes within nodes, no order at all."""
    path = tmp_path / "things.jsonld"
    write_brick(path, model)
    told = json.loads(path.read_text(encoding="utf-8"))
    seed.shuffle(told["@graph"])
    shuffled = {"@graph": [{"@graph": told["@graph"]}], "@context": [told["@context"]]}
    path.write_text(json.dumps(shuffled), encoding="utf-8")
    again = read_brick(path).model
    assert set(again.buildings) == set(model.buildings)
    assert set(again.systems) == set(model.systems)
    assert set(again.points) == set(model.points)
    assert again.district == model.district


# fmt: off
WORDS = (
    "@id", "@type", "@graph", "@context", "@list", "@value", "@vocab", "@base", "brick",
    "heidi", "brick:isPointOf", "brick:hasPoint", "heidi:kind", "buildings", "systems",
    "points", "id", "format", "version",
)
# fmt: on

JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(WORDS) | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@SETTINGS
@given(junk=JUNK)
def test_no_json_whatever_ends_in_anything_but_one_line(junk, tmp_path):
    path = tmp_path / "junk.json"
    path.write_text(json.dumps(junk), encoding="utf-8")
    for told in (junk, {"format": "heidi-model", "version": 2, "buildings": junk}):
        with suppress(HeidiError):
            model_of(told, "junk.json")
    with suppress(HeidiError):
        read_things(path)


@SETTINGS
@given(model=models(), place=st.floats(0, 1), byte=st.integers(0, 255))
@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_ends_in_a_model_or_one_line(name, model, place, byte, tmp_path):
    path: Path = tmp_path / name
    FORMATS[name][0](path, model)
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] = byte
    path.write_bytes(content)
    with suppress(HeidiError):
        assert isinstance(read_things(path).model, Model)
