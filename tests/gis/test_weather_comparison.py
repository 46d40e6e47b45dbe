"""Argue that a comparison shows what differs, and nothing where nothing does."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from gis.sources.weather_files import read_weather
from gis.typical_year import typical_year
from gis.weather import IRRADIANCE, sun_height
from gis.weather_comparison import YEAR, compare_weather
from gis.weather_findings import Severity
from gis.weather_report import comparison_html, comparison_record, comparison_text

TYPICAL = typical_year()
HEIGHT = sun_height(TYPICAL.sun_times, latitude=56.041, longitude=12.696)


def changed(**columns):
    return replace(TYPICAL, table=TYPICAL.table.assign(**columns), source="changed")


def resplit(factor):
    """Move light from diffuse to beam and leave GHI as it is."""
    dni = factor * TYPICAL.table["dni"]
    dhi = (TYPICAL.table["ghi"] - dni * HEIGHT).clip(lower=0.0)
    return changed(dni=dni, dhi=dhi)


def found(comparison, check):
    return {finding.check: finding for finding in comparison.findings}[check]


def test_a_year_compared_with_itself_differs_in_nothing():
    same = compare_weather(TYPICAL, TYPICAL)
    assert {finding.severity for finding in same.findings} == {Severity.GOOD}
    for name in IRRADIANCE:
        assert same.months[f"{name}_ratio"].to_numpy() == pytest.approx(np.ones(13))
    assert same.months["temp_difference"].abs().max() == 0.0
    pd.testing.assert_series_equal(same.facts["a"], same.facts["b"], check_names=False)


def test_months_add_up_to_the_year():
    months = compare_weather(TYPICAL, changed()).months
    assert months.index.tolist() == [*range(1, 13), YEAR]
    for name in IRRADIANCE:
        column = months[f"{name}_a"]
        assert column.iloc[:12].sum() == pytest.approx(column.loc[YEAR])
        assert column.loc[YEAR] == pytest.approx(TYPICAL.annual(name))
        assert column.iloc[:12].to_numpy() == pytest.approx(TYPICAL.monthly(name))
    assert months["diffuse_a"].loc[YEAR] == pytest.approx(
        TYPICAL.annual("dhi") / TYPICAL.annual("ghi")
    )


def test_swapping_the_two_inverts_the_ratios():
    one = compare_weather(resplit(1.3), TYPICAL).months
    two = compare_weather(TYPICAL, resplit(1.3)).months
    for name in IRRADIANCE:
        assert one[f"{name}_ratio"].to_numpy() == pytest.approx(
            1.0 / two[f"{name}_ratio"].to_numpy()
        )


def test_the_clearness_shares_add_up_and_follow_the_brightness():
    dull = changed(**{name: 0.5 * TYPICAL.table[name] for name in IRRADIANCE})
    clearness = compare_weather(dull, TYPICAL).clearness
    assert clearness.sum().tolist() == pytest.approx([1.0, 1.0])
    # Half the light: two tenths of the bright year become one of the dull.
    pairs = clearness["b"].to_numpy().reshape(5, 2).sum(axis=1)
    assert clearness["a"].to_numpy()[:5] == pytest.approx(pairs)


@pytest.mark.parametrize("factor", [0.75, 1.31])
def test_a_doubtful_split_is_said_and_its_side_named(factor):
    other = resplit(factor)
    for a, b, whose in ((other, TYPICAL, "its split"), (TYPICAL, other, "B's split")):
        finding = found(compare_weather(a, b), "beam and diffuse")
        assert finding.severity == Severity.DOUBT
        assert f"{whose} into beam and diffuse is doubtful" in finding.text
        assert "GHI differs by 0%" in finding.text
    first = found(compare_weather(other, TYPICAL), "beam and diffuse").text
    assert f"{abs(factor - 1.0):.0%} {'above' if factor > 1.0 else 'below'} B" in first


def test_a_brighter_year_is_not_a_doubtful_split():
    bright = changed(**{name: 1.2 * TYPICAL.table[name] for name in IRRADIANCE})
    comparison = compare_weather(bright, TYPICAL)
    assert found(comparison, "beam and diffuse").severity == Severity.GOOD
    assert found(comparison, "ghi sum").severity == Severity.DOUBT
    assert found(comparison, "ghi sum").worst == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("other", "check", "worst"),
    [
        pytest.param(
            changed(temp_air=TYPICAL.table["temp_air"] - 2.0), "temperature", -2.0,
            id="colder",
        ),
        pytest.param(
            replace(TYPICAL, sun_offset_minutes=60.0), "sun time", 30.0, id="clock"
        ),
        pytest.param(
            changed(filled=np.arange(8760) < 876), "filled a", 0.1, id="filled"
        ),
    ],
)  # fmt: skip
def test_other_differences_are_flagged(other, check, worst):
    finding = found(compare_weather(other, TYPICAL), check)
    assert finding.severity == Severity.DOUBT
    assert finding.worst == pytest.approx(worst)


def test_the_gravest_stands_first():
    order = [f.severity for f in compare_weather(resplit(1.3), TYPICAL).findings]
    ranks = [list(Severity)[::-1].index(severity) for severity in order]
    assert ranks == sorted(ranks)


class Tags(HTMLParser):
    """Collects the tags of a page and what they refer to."""

    def __init__(self):
        super().__init__()
        self.names, self.links = [], []

    def handle_starttag(self, tag, attrs):
        """Keep the name and the links of a tag."""
        self.names.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_no_network_and_escapes_foreign_text():
    odd = replace(TYPICAL, source="<script>alert('x')</script> & Co")
    page = comparison_html(compare_weather(odd, TYPICAL))
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.names
    assert not tags.links
    assert "http" not in page
    assert tags.names.count("svg") == 3
    assert "&lt;script&gt;" in page


def test_bars_are_as_high_as_their_sums():
    comparison = compare_weather(resplit(1.3), TYPICAL)
    page = comparison_html(comparison)
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    bars = [
        (float(rect.get("height")), rect.get("fill"))
        for rect in ET.fromstring(svg).iter("rect")  # our own text
        if rect.get("height") != "11"
    ]
    high = np.array([height for height, _ in bars]).reshape(12, 2)
    sums = comparison.months[["ghi_a", "ghi_b"]].to_numpy()[:12]
    assert high / high.max() == pytest.approx(sums / sums.max(), abs=0.001)
    assert len({colour for _, colour in bars}) == 2


def test_text_and_record_tell_the_same_as_the_tables():
    comparison = compare_weather(resplit(1.3), TYPICAL)
    text = comparison_text(comparison)
    assert "! DNI of A is 30% above B" in text
    year = next(line for line in text.splitlines() if line.startswith("year"))
    assert [int(part) for part in year.split()[1:3]] == [1010, 1010]
    assert max(map(len, text.splitlines()[15:])) <= 92
    record = json.loads(json.dumps(comparison_record(comparison), allow_nan=False))
    assert record["months"]["year"]["dni_ratio"] == pytest.approx(1.3)
    assert record["findings"][0]["severity"] == "doubt"


def test_a_month_without_light_is_a_dash_and_null():
    polar = changed(
        **{
            name: TYPICAL.table[name].where(
                pd.DatetimeIndex(TYPICAL.table.index).month != 12, 0.0
            )
            for name in IRRADIANCE
        }
    )
    comparison = compare_weather(TYPICAL, polar)
    assert np.isnan(comparison.months.loc[12, "ghi_ratio"])
    assert comparison_record(comparison)["months"]["12"]["ghi_ratio"] is None
    assert comparison_text(comparison)
    assert comparison_html(comparison)


@pytest.mark.real
def test_the_beam_of_the_gothenburg_file_is_called_doubtful(shared_data):
    folder = shared_data / "weather"
    gothenburg = read_weather(
        folder / "SWE_VG_Gothenburg-Landvetter.AP.025260_TMYx.2007-2021.epw"
    )
    measured = read_weather(folder / "dtu_lyngby_2016_hourly.csv")
    finding = found(compare_weather(gothenburg, measured), "beam and diffuse")
    assert finding.severity == Severity.DOUBT
    # 1,327 against 1,039 kWh/m2; GHI 1,040 against 1,012.
    assert finding.text.startswith(
        "DNI of A is 28% above B while GHI differs by 3%: its split into beam and diffuse "
        "is doubtful"
    )
    against_typical = found(compare_weather(gothenburg, TYPICAL), "beam and diffuse")
    assert against_typical.text.startswith(
        "DNI of A is 31% above B while GHI differs by 3%"
    )


@pytest.mark.real
def test_two_measured_years_of_one_place_are_not_called_doubtful(shared_data):
    years = [
        read_weather(shared_data / "weather" / f"dtu_lyngby_{year}_hourly.csv")
        for year in (2016, 2017)
    ]
    comparison = compare_weather(*years)
    assert found(comparison, "beam and diffuse").severity == Severity.GOOD
    assert found(comparison, "sun time").severity == Severity.GOOD


@pytest.mark.real
def test_a_file_whose_sky_is_never_clear_is_not_blamed_for_its_split(shared_data):
    folder = shared_data / "weather"
    copenhagen = read_weather(folder / "DNK_Copenhagen.061800_IWEC.epw")
    measured = read_weather(folder / "dtu_lyngby_2016_hourly.csv")
    finding = found(compare_weather(copenhagen, measured), "beam and diffuse")
    assert finding.severity == Severity.DOUBT
    assert "their skies or their splits" in finding.text  # it fits its own GHI within 4 %
