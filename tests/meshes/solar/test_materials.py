"""The table of materials is whole, in range, and found by either name."""

import numpy as np
import pytest

from gis.errors import UnknownIdError
from gis.landcover import CLASSES
from meshes.solar.materials import MATERIALS, find_material


@pytest.mark.parametrize("one", MATERIALS, ids=lambda one: one.name)
def test_every_material_is_within_its_range_and_has_a_source(one):
    assert 0 < one.lowest <= one.reflectance <= one.highest < 1
    assert len(one.source) > 10
    assert one.is_assumed <= (one.year is None)
    assert find_material(one.name) is find_material(one.swedish) is one


def test_names_are_told_apart():
    names = [word.casefold() for one in MATERIALS for word in {one.name, one.swedish}]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Asphalt", "asphalt"),
        (" rött  tegel", "red brick"),
        ("rott tegel", "red brick"),
        ("RED_BRICK", "red brick"),
        ("yellow-brick", "yellow brick"),
        ("Nysnö", "fresh snow"),
        ("solcellsmodul", "photovoltaic module"),
    ],
)
def test_capitals_and_accents_do_not_count(asked, name):
    assert find_material(asked).name == name


def test_an_unknown_material_names_the_nearest_and_all():
    with pytest.raises(UnknownIdError) as error:
        find_material("asfallt")
    message = str(error.value)
    assert "got 'asfallt'; did you mean 'asphalt'?" in message
    assert all(f"{one.name} ({one.swedish})" in message for one in MATERIALS)
    with pytest.raises(UnknownIdError, match=r"got '\?'; known are asphalt"):
        find_material("?")


@pytest.mark.parametrize(
    ("lighter", "darker"),
    [
        ("fresh snow", "old snow"),
        ("white render", "red brick"),
        ("yellow brick", "red brick"),
        ("concrete", "asphalt"),
        ("sand", "soil"),
        ("clay tiles", "slate"),
        ("galvanised steel", "weathered galvanised steel"),
        ("coated glass", "glass"),
        ("grass", "water"),
    ],
)
def test_what_looks_lighter_reflects_more(lighter, darker):
    assert find_material(lighter).reflectance > find_material(darker).reflectance


@pytest.mark.parametrize(
    ("ground", "material"),
    [("paved", "asphalt"), ("grass", "grass"), ("water", "water"), ("sand", "sand")],
)
def test_the_ground_of_maps_has_the_same_numbers(ground, material):
    assert CLASSES[ground].albedo == find_material(material).reflectance


def test_two_clear_panes_follow_from_fresnel():
    """Four faces without absorption, light from all sides: the mean over the cosine."""
    index = 1.52
    node, weight = np.polynomial.legendre.leggauss(200)
    cosine = (node + 1) / 2
    inside = np.sqrt(1 - (1 - cosine**2) / index**2)
    across = ((cosine - index * inside) / (cosine + index * inside)) ** 2
    along = ((index * cosine - inside) / (index * cosine + inside)) ** 2
    faces = 4
    passed = sum((1 - r) / (1 + (faces - 1) * r) for r in (across, along)) / 2
    even = 1 - (passed * cosine * weight).sum()
    assert even == pytest.approx(find_material("glass").reflectance, abs=0.005)
    head_on = 1 - passed[-1]
    assert head_on == pytest.approx(0.15, abs=0.005), "as its note says"
