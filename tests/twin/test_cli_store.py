"""Observations are moved, copied, restored and retired from the command line."""

import pytest

from twin.store.opening import VARIABLE, open_store
from twin.store.records import Observation

from .command import heidi

HOUR = 3_600_000_000
START = 1_700_000_000_000_000 // HOUR * HOUR


@pytest.fixture
def folder(tmp_path):
    """Return a folder that passes for a twin, with 48 values."""
    place = tmp_path / "town"
    place.mkdir()
    (place / "heidi.toml").write_text("")
    with open_store(place) as store:
        store.append(
            Observation(f"b/{name}", START + k * HOUR, float(k), "meter")
            for name in ("heat", "power")
            for k in range(24)
        )
    return place


def standing(place):
    with open_store(place, read_only=True) as store:
        return [(r.point, r.time, r.value, r.sequence) for r in store.between(0, 2**62)]


def test_moving_and_checking_change_no_answer(folder):
    before = standing(folder)
    moved = heidi("store", "compact", folder)
    assert (moved.returncode, moved.stdout) == (0, "48 statements moved into the history\n")
    checked = heidi("store", "rebuild", folder)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert standing(folder) == before


def test_a_copy_is_taken_back_as_it_was(folder, tmp_path):
    before = standing(folder)
    assert heidi("store", "export", folder, "--out", tmp_path / "copy").returncode == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / "heidi.toml").write_text("")
    back = heidi("store", "restore", tmp_path / "copy", other)
    assert (back.returncode, back.stdout) == (0, "48 statements restored\n")
    assert standing(other) == before


def test_nothing_is_retired_before_it_is_meant(folder):
    from twin.ingest.gate import time_text

    words = ("store", "retire", folder, "--before", time_text(START + 6 * HOUR))
    asked = heidi(*words)
    assert asked.stdout.startswith("12 values would go")
    assert len(standing(folder)) == 48
    assert heidi(*words, "--yes").stdout == "12 statements retired\n"
    assert min(time for _, time, _, _ in standing(folder)) == START + 6 * HOUR


def test_no_store_is_made_where_there_is_no_twin(tmp_path):
    refused = heidi("store", "compact", tmp_path)
    assert refused.returncode == 2
    assert "must be a twin folder" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_lies_in_the_folder_itself_needs_no_tie(folder, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    before = sorted(folder.iterdir())
    refused = heidi("store", "adopt", folder, "--yes")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert f"{VARIABLE} must name the server" in refused.stderr
    assert sorted(folder.iterdir()) == before
