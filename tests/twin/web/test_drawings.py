"""Map, charts, tables and colours say what the numbers say."""

import re

import numpy as np
import pandas as pd
import pytest

from twin.web.colours import MISSING, irradiation_scale
from twin.web.month_chart import Series, month_chart
from twin.web.plan_map import plan_map
from twin.web.rankings import SMALLEST_FACADE, facade_ranking, roof_ranking


def luminance(colours: np.ndarray) -> np.ndarray:
    """Relative luminance after WCAG 2.2."""
    share = colours / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_more_light_is_a_lighter_colour():
    colours = irradiation_scale([100.0]).colours.astype(float)
    assert (np.diff(luminance(colours)) > -2e-3).all()
    assert (np.diff(luminance(colours)[::8]) > 0).all()


def test_scale_is_fixed_until_it_is_too_small():
    assert irradiation_scale([3.0, 1199.0]).top == 1200.0
    assert irradiation_scale([1210.0, np.nan]).top == 1300.0
    assert irradiation_scale([np.nan]).hexes([np.nan]) == [MISSING]


def test_map_draws_each_footprint_where_it_is(lit):
    district, parts = lit.district, lit.parts
    scale = irradiation_scale([1000.0])
    drawn = plan_map(district, parts, scale)
    found = re.findall(r'data-part="(\w+)" fill="(#\w+)" d="([^"]+)"', drawn)
    assert {part for part, _, _ in found} == {"p1", "p2"}  # p3 stands outside the frame
    colours = dict(zip(parts.index, scale.hexes(parts["roof_kwh_m2"]), strict=True))
    for part, colour, data in found:
        assert colour == colours[part]
        corners = np.array([c.split() for c in re.findall(r"[\d.]+ [\d.]+", data)], float)
        west, south, east, north = district.buildings.geometry[part].bounds
        np.testing.assert_allclose(np.ptp(corners, axis=0), [east - west, north - south])
        # Screen rows grow southwards: the northern block is drawn above.
    tops = {part: float(re.search(r" ([\d.]+)", data)[1]) for part, _, data in found}
    assert tops["p2"] < tops["p1"]


def test_scale_bar_is_a_true_length(lit):
    district, parts = lit.district, lit.parts
    drawn = plan_map(district, parts, irradiation_scale([1000.0]))
    wide = float(re.search(r'viewBox="0 0 ([\d.]+)', drawn)[1])
    share, metres = re.search(r'scalebar" style="width:([\d.]+)%">(\d+) m', drawn).groups()
    assert float(share) / 100 * wide == pytest.approx(float(metres), rel=1e-3)


def test_bars_are_as_long_as_their_months():
    values = np.array([9.0, 20, 60, 100, 150, 160, 155, 120, 80, 40, 12, 6])
    drawn = month_chart("Light", "kWh/m²", [Series("Roofs", "roofs", values)])
    heights = [float(h) for h in re.findall(r'height="([\d.]+)"><title>', drawn)]
    np.testing.assert_allclose(heights, values * heights[5] / values[5], atol=0.051)


def test_a_year_without_light_still_has_a_chart():
    drawn = month_chart("Light", "kWh/m²", [Series("Roofs", "roofs", np.zeros(12))])
    assert 'height="0.0"' in drawn


def numbers(table: str, column: int) -> list[float]:
    """Values of one column of numbers."""
    rows = re.findall(r"<tr(?: hidden)?><td.*?</tr>", table)
    return [float(re.findall(r'data-v="([^"]+)"', row)[column]) for row in rows]


def test_rankings_fall_and_add_up(lit):
    facets, parts, facet_light = lit.facets, lit.parts, lit.facet_light
    for table in (roof_ranking(parts), facade_ranking(parts, facets, facet_light)):
        light, area, total = (np.array(numbers(table, k)) for k in range(3))
        assert len(light) > 1
        assert (np.diff(light) <= 0).all()
        np.testing.assert_allclose(light * area, total, rtol=1e-4)
        assert area.min() >= SMALLEST_FACADE


def test_facades_face_their_compass_point(lit):
    facets, parts = lit.facets, lit.parts
    only = pd.DataFrame(parts.loc[["p1"]])
    east = np.where(facets.normal[:, 0] > 0.9, 900.0, 100.0)
    best = re.search(r"</th><td>(\w+)</td>", facade_ranking(only, facets, east))
    assert best[1] == "E"
