"""The course of a point: steps, coverage and gaps follow from its values."""

import pytest

HEAT, ENERGY, GHI = "b2/heat/power", "b2/heat-2/heat_energy", "weather/ghi"
DAY = {"start": "2026-06-21T00:00:00Z", "end": "2026-06-22T00:00:00Z"}


def history(client, point, **params):
    """Ask for the course of a point over the day."""
    answer = client.get(f"/api/points/{point}/history", params={**DAY, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_steps_are_means_of_what_is_there(whole, keep, served):
    keep(whole, HEAT, {0: 10.0, 1: 20.0, 2: 60.0, 3: None, 7: 5.0})
    told = history(served(whole), HEAT, step="4h")
    first, second, *rest = told["steps"]
    assert first == {
        "start": "2026-06-21T00:00:00Z",
        "mean": 30.0,
        "low": 10.0,
        "high": 60.0,
        "coverage_percent": 75.0,
    }
    assert (second["mean"], second["coverage_percent"]) == (5.0, 25.0)
    assert len(rest) == 4
    assert all(one["mean"] is None and one["coverage_percent"] == 0 for one in rest)


def test_coverage_and_gaps_make_up_the_whole(whole, keep, served):
    """Hours with a value and hours in gaps are all the hours that are over."""
    keep(whole, HEAT, {h: None if h % 5 == 0 else 1.0 for h in range(24) if h % 7})
    told = history(served(whole), HEAT, step="1h")
    covered = sum(one["coverage_percent"] for one in told["steps"]) / 100
    missing = sum(
        int(one["end"][11:13] or 0) - int(one["start"][11:13]) for one in told["gaps"]
    )
    assert covered + missing == 24
    reported = [one for one in told["gaps"] if one["reported"]]
    assert [one["start"][11:13] for one in reported] == ["05", "10", "15", "20"]


def test_gaps_one_after_the_other_are_one(whole, keep, served):
    keep(whole, HEAT, {0: 1.0, 4: None, 5: None, 6: 2.0, 23: 3.0})
    told = history(served(whole), HEAT)["gaps"]
    assert [(one["start"][11:13], one["end"][11:13], one["reported"]) for one in told] == [
        ("01", "04", False),
        ("04", "06", True),
        ("07", "23", False),
    ]


def test_what_is_yet_to_come_is_no_gap(whole, keep, served):
    keep(whole, HEAT, {0: 1.0}, known=1)
    told = history(served(whole), HEAT, known_at="2026-06-21T03:00:00Z")
    assert [one["end"] for one in told["gaps"]] == ["2026-06-21T03:00:00Z"]


def test_a_register_tells_what_it_counted(whole, keep, served):
    """The amounts of the steps add up to the difference of the readings."""
    keep(whole, ENERGY, {-1: 990.0, 0: 1000.0, 5: 1050.0, 12: 1090.0, 24: 1300.0})
    client = served(whole)
    told = history(client, ENERGY, step="12h")
    assert [one["amount"] for one in told["steps"]] == pytest.approx([90.0, 210.0])
    assert [one["quality"] for one in told["steps"]] == [[], []]
    fine = history(client, ENERGY, step="1h")["steps"]
    assert sum(one["amount"] for one in fine) == pytest.approx(300.0)
    assert fine[0]["amount"] == pytest.approx(10.0)
    assert "estimated" in fine[1]["quality"]


def test_a_spike_of_a_register_counts_nothing(whole, keep, served):
    keep(whole, ENERGY, {0: 1000.0, 6: 9.0e8, 12: 1060.0, 24: 1120.0})
    told = history(served(whole), ENERGY, step="12h")
    assert [one["amount"] for one in told["steps"]] == pytest.approx([60.0, 60.0])


def test_the_course_as_it_was_known(whole, keep, served):
    keep(whole, HEAT, {8: 10.0}, known=1_782_100_000_000_000)
    keep(whole, HEAT, {8: 12.0}, known=1_782_200_000_000_000, version=1)
    client = served(whole)
    (now,) = history(client, HEAT)["values"]
    assert (now["value"], now["revision"], now["version"]) == (12.0, 1, 1)
    (then,) = history(client, HEAT, known_at="2026-06-22T12:00Z")["values"]
    assert (then["value"], then["revision"]) == (10.0, 0)
    step = history(client, HEAT, known_at="2026-06-22T12:00Z", step="1d")["steps"][0]
    assert step["mean"] == 10.0


def test_long_courses_come_in_parts_with_their_gaps(whole, keep, served, monkeypatch):
    monkeypatch.setattr("twin.api.series.MOST_VALUES", 5)
    keep(whole, HEAT, {h: float(h) for h in range(24) if h % 6})
    client, start, seen, gaps = served(whole), DAY["start"], [], []
    while start:
        told = history(client, HEAT, start=start)
        seen += [one["value"] for one in told["values"]]
        gaps += [one["start"][11:13] for one in told["gaps"]]
        start = told["next"]
    assert seen == [float(h) for h in range(24) if h % 6]
    assert gaps == ["00", "06", "12", "18"]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"step": "0h"}, "step"),
        ({"step": "1month"}, "step"),
        ({"step": "1min"}, "not be shorter than the point's interval"),
        ({"step": "1h", "start": "2010-01-01T00:00Z"}, "at most 10,000 steps"),
        ({"end": DAY["start"]}, "before end"),
    ],
)
def test_questions_that_cannot_be_answered(whole, served, params, told):
    answer = served(whole).get(f"/api/points/{HEAT}/history", params={**DAY, **params})
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_panels_beside_what_the_typical_year_gives(whole, keep, served):
    client = served(whole)
    told = client.get("/api/expected", params={**DAY, "building": "b2"}).json()
    (system,) = told["systems"]
    assert len(told["times"]) == 24
    keep(whole, "b2/pv/power", {h: 0.5 * system["expected_kw"][h] for h in range(6, 18)})
    told = client.get("/api/expected", params={**DAY, "system": "b2/pv"}).json()
    (system,) = told["systems"]
    assert system["ratio"] == pytest.approx(0.5, abs=1e-3)
    assert system["expected_kwh"] == pytest.approx(
        -sum(system["expected_kw"][6:18]), rel=1e-3
    )
    assert min(v for v in system["residual_kw"] if v is not None) >= 0, "missing yield"


def test_panels_beside_what_the_measured_light_gives(whole, keep, served):
    """Twice the light of a dull day gives about twice the power, no light gives none."""
    params = {**DAY, "building": "b1", "weather": "measured"}
    client = served(whole)
    answer = client.get("/api/expected", params=params)
    assert answer.status_code == 404
    assert "weather station" in answer.json()["detail"]
    keep(whole, "weather/air_temperature", dict.fromkeys(range(24), 15.0))
    found = []
    for version, light in enumerate((0.0, 150.0, 300.0)):
        keep(whole, GHI, dict.fromkeys(range(10, 14), light), version=version)
        (system,) = client.get("/api/expected", params=params).json()["systems"]
        found.append(-sum(v for v in system["expected_kw"] if v is not None))
    assert found[0] == pytest.approx(0.0, abs=1e-6)
    assert found[2] / found[1] == pytest.approx(2.0, abs=0.25)


def test_things_are_found_by_what_they_are(whole, served):
    client = served(whole)
    every = client.get("/api/things", params={"limit": 1000}).json()
    assert every["total"] == len(every["things"])
    kinds = [one["type"] for one in every["things"]]
    assert kinds[:4] == ["district", "building", "building", "building"]
    for params, ids in (
        ({"type": "building"}, ["b1", "b2", "b3"]),
        ({"type": "system", "kind": "weather"}, ["weather"]),
        ({"quantity": "heat_energy"}, [ENERGY]),
        ({"q": "FAR &"}, ["b3"]),
        ({"type": "point", "building": "b3", "quantity": "heat_power"}, ["b3/heat/power"]),
    ):
        found = client.get("/api/things", params=params).json()["things"]
        assert [one["id"] for one in found] == ids
    paged, offset = [], 0
    while offset is not None:
        page = client.get("/api/things", params={"limit": 4, "offset": offset}).json()
        paged += page["things"]
        offset = page["next"]
    assert paged == every["things"]


def test_every_point_of_the_model_answers(whole, served):
    """Not only the four quantities of buildings."""
    client = served(whole)
    page = client.get("/api/points", params={"limit": 1000}).json()
    assert {one["id"] for one in page["points"]} >= {GHI, ENERGY, HEAT}
    for point in page["points"]:
        assert client.get(f"/api/points/{point['id']}").json() == point
        values = client.get(f"/api/points/{point['id']}/values").json()
        assert values["unit"] == point["unit"]
