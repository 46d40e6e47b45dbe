"""The terminal tells the state at once, in words, and every mistake in one line."""

import json
import shlex
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from twin.ingest.gate import Gate
from twin.store.log import Log
from twin.store.records import Observation


def test_the_first_lines_say_how_the_district_is_doing(fed, heidi):
    lines = heidi("status", fed).splitlines()
    assert lines[0] == "Lilla Helsingborg · SIMULATED VALUES · schematic model"
    assert lines[1] == "as of 21 June 2026 24:00 UTC, end of the simulated day"
    told = {line.split("  ")[0]: line for line in lines if "  " in line}
    assert "kW of 0.0 kW expected" in told["PV now"]
    assert "kWh expected (" in told["PV today"]
    assert told["Buildings"].endswith("1 off, 1 stale, 5 ok")
    assert "reported missing" in told["Gaps today"]
    assert told["Quarantine"].endswith("0 rows refused")


def test_the_outage_stands_on_top_in_words(fed, heidi):
    lines = heidi("status", fed).splitlines()
    first = lines[lines.index("Needs attention:") + 3]
    assert first.startswith("✖ OFF")
    assert "panels OFF 10–15 UTC (5 h)" in first
    assert "◌ stale" in lines[lines.index("Needs attention:") + 4]
    assert "5 more buildings; --all lists them." in lines


def test_every_column_has_its_unit(fed, heidi):
    lines = heidi("status", fed).splitlines()
    heads = lines[lines.index("Needs attention:") + 2]
    assert heads.split() == [
        *("[kW]", "[kW]", "[kWh]", "[kWh]", "[%]"),
        *("[kW]", "[kW]", "[°C]", "[h]"),
    ]


def test_all_lists_every_building(fed, heidi):
    text = heidi("status", fed, "--all")
    assert all(name in text for name in ("way/7", "b2", "b3", "b4", "b5", "b6", "b7"))
    assert "Tågaborg & <Söder>" in text


def test_json_is_the_same_in_numbers(fed, heidi):
    record = json.loads(heidi("status", fed, "--json"))
    assert record["label"] == "SIMULATED"
    assert record["buildings"][0]["findings"][0]["kind"] == "off"
    assert len(record["buildings"]) == 7


def test_another_moment_can_be_asked_for(fed, heidi):
    record = json.loads(heidi("status", fed, "--json", "--at", "2026-06-21T14:00+02:00"))
    assert record["as_of"] == "2026-06-21T12:00:00Z"
    assert record["pv_day"]["hours"] == 12


def test_it_can_be_asked_what_was_known_then(folder, heidi):
    start = 1_782_036_000_000_000
    with Log(folder / "live.sqlite") as log:
        row = Observation("b2/heat/power", start, 10.0, "meter")
        log.append([row], known=start + 3_600_000_000)
        log.append([replace(row, value=12.0)], known=start + 7_200_000_000)

    def heat(*words: str) -> float | None:
        told = json.loads(heidi("status", folder, "--json", *words))
        return told["now"]["heat_power"]

    assert heat("--at", "2026-06-21T12:00Z") == 12.0
    assert heat("--at", "2026-06-21T12:00Z", "--known-at", "2026-06-21T11:30Z") == 10.0
    assert heat("--known-at", "2026-06-21T10:30Z") is None
    text = heidi("status", folder, "--known-at", "2026-06-21T11:30Z")
    assert "as known at 2026-06-21T11:30:00Z" in text.splitlines()[1]


def test_without_values_it_says_how_to_feed_some(folder, heidi):
    assert f"No values yet. Feed some: heidi simulate {folder}\n" in heidi("status", folder)
    assert not (folder / "live.sqlite").exists(), "looking leaves no trace"


def test_simulate_tells_what_was_planted(folder, heidi):
    lines = heidi("simulate", folder, "--verbose").splitlines()
    assert [line.split()[0] for line in lines[:24]] == ["acknowledged"] * 24
    assert lines[24].startswith("SIMULATED 21 June 2026: ")
    assert "outage, the panels of" in lines[25]
    assert "deliver 0 from 10 to 15 UTC" in lines[25]
    assert "silence" in lines[26]
    assert "gaps" in lines[27]


def test_hints_can_be_copied_into_the_shell_whatever_the_folder_is_called(folder, heidi):
    odd = folder.rename(folder.with_name("my twin; it's"))
    hint = heidi("status", odd).splitlines()[-1]
    assert shlex.split(hint.partition("Feed some: ")[2]) == ["heidi", "simulate", str(odd)]
    last = heidi("simulate", odd).splitlines()[-1]
    assert shlex.split(last.partition("See it: ")[2].partition("   or")[0]) == [
        *("heidi", "status", str(odd))
    ]


@pytest.mark.parametrize("command", ["simulate", "serve"])
@pytest.mark.parametrize(
    "day",
    [
        *("1999-12-31", "2200-01-01", "0001-01-01", "9999-12-31"),
        *("2026-W25-7", "20260621", "٢٠٢٦-٠٦-٢١", "2026-06-21\n"),
    ],
)
def test_days_the_gate_would_refuse_are_told_before_anything_is_written(
    folder, heidi, command, day
):
    before = sorted(folder.iterdir())
    words = ["--simulate"] if command == "serve" else []
    told = heidi(command, folder, *words, "--date", day, code=2)
    assert "a date must be like 2026-06-21, of 2000 to 2199" in told
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["status", "nowhere"], "nowhere must be a twin folder, but is missing"),
        (["status", "."], "has no heidi.toml"),
        (["status", "{}", "--at", "2026-06-21T12:00"], "must have a time zone"),
        (["status", "{}", "--at", "noon"], "a time must be like"),
        (["simulate", "{}", "--date", "21.6.2026"], "a date must be like 2026-06-21"),
        (["simulate", "{}", "--date", "2026-02-30"], "a date must be like 2026-06-21"),
        (["simulate", "nowhere"], "is missing"),
        (
            ["simulate", "{}", "--pace", "-1"],
            "an hour must take 0 to 3600 s, got --pace -1",
        ),
        (["simulate", "{}", "--pace", "nan"], "got --pace nan"),
        (["serve", "nowhere"], "is missing"),
        (["serve", "{}", "--port", "70000"], "the port must be 0 to 65535"),
        (["serve", "{}", "--host", "192.0.2.1"], "cannot be used"),
        (["serve", "{}", "--host", "0.0.0.0", "--allow-writes"], "anybody who reaches"),
        (["serve", "{}", "--token", "short"], "16 letters or more, got 5"),
        (["serve", "{}", "--cors", "city.example"], "a site must be like https://"),
        (["serve", "{}", "--mapping", "nowhere.csv"], "nowhere.csv"),
        (["status", "{}", "--known-at", "noon"], "a time must be like"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, heidi, words, told):
    assert told in heidi(*[word.format(folder) for word in words], code=2)


def test_a_damaged_log_is_told_in_one_line(folder, heidi):
    (folder / "live.sqlite").write_bytes(b"rubbish" * 1000)
    assert "another kind of file or damaged" in heidi("status", folder, code=2)
    assert "another kind of file or damaged" in heidi("simulate", folder, code=2)


@pytest.mark.parametrize("words", [["simulate"], ["serve", "--simulate"]])
def test_a_simulated_day_does_not_come_among_measured_values(folder, heidi, words):
    with Log(folder / "live.sqlite") as log:
        log.append([Observation("b2/heat/power", 0, 1.0, "substation")])
    told = heidi(*words, folder, code=2)
    assert "must not mix with measured ones" in told
    assert "values of substation" in told
    assert not (folder / "simulated_faults.json").exists()


def test_a_log_held_by_another_program_can_still_be_read(fed, heidi):
    raw = sqlite3.connect(fed / "live.sqlite", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    assert "SIMULATED VALUES" in heidi("status", fed)
    raw.close()


def test_looking_loads_no_library_of_tables(fed):
    """They take longer than all the rest: this is what keeps the answer under a second."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from twin.cli.live import status\n"
        f"status(Path({str(fed)!r}))\n"
        "heavy = {'pandas', 'geopandas', 'scipy', 'numba', 'pvlib', 'fastapi'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "loaded []"


def test_refused_rows_are_counted_for_all_to_see(fed, heidi, twin):
    with Log(fed / "live.sqlite") as log:
        Gate(twin.model, log).admit([{"point": "ghost"}, "junk", 3])
    assert "3 rows refused (3 shape)" in heidi("status", fed)
