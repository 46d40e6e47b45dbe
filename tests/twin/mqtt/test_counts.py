"""What a listener leaves in the folder is read by others, whatever lies beside it."""

import json
from dataclasses import asdict

from twin.ingest.mqtt_counts import (
    FOLDER,
    SILENT_AFTER,
    Counts,
    described,
    read_counts,
    stamped,
    told_topics,
    write_counts,
)

ONE = Counts(
    "mqtts://b:8883", "one/#", ("hid/v1/#", "v3/+/up"), received=7, new=3, revised=2
)


def test_counts_are_read_as_they_were_written(tmp_path):
    first, second = stamped(ONE), stamped(Counts("mqtt://b:1883", "two"), ended=True)
    write_counts(tmp_path, first)
    write_counts(tmp_path, second)
    assert read_counts(tmp_path) == [second, first]
    later = stamped(ONE)
    write_counts(tmp_path, later)
    assert read_counts(tmp_path) == [later, second]


def test_files_that_are_no_counts_are_passed_over(tmp_path):
    assert read_counts(tmp_path) == []
    write_counts(tmp_path, ONE)
    folder = tmp_path / FOLDER
    told = asdict(ONE)
    wrong = [told | {"new": "3"}, told | {"more": 1}, [1], {}, told | {"topics": 5}]
    for number, thing in enumerate(wrong):
        (folder / f"wrong{number}.json").write_text(json.dumps(thing))
    (folder / "broken.json").write_bytes(b'\xff{"')
    assert read_counts(tmp_path) == [ONE]


def test_who_says_nothing_for_a_while_does_not_run(tmp_path):
    counts = stamped(ONE)
    assert counts.alive(counts.written + SILENT_AFTER - 1)
    assert not counts.alive(counts.written + SILENT_AFTER)
    assert not stamped(ONE, ended=True).alive(counts.written)


def test_the_line_tells_what_is_wrong():
    assert ONE.kept == 5
    line = described(Counts("b", "c", reconnects=2, failing="the disk is full"))
    assert line.startswith("NOT CONNECTED")
    assert line.endswith("2 reconnects · NOT STORING: the disk is full")


def test_many_topics_are_cut():
    assert told_topics(["a", "b"]) == "a, b"
    assert told_topics(list("abcde")) == "a, b, c and 2 more"
