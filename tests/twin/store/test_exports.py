"""What a store exports, any other restores: numbers, times and order as they were."""

import random
from dataclasses import replace

import pytest

from gis.errors import OutputError, SourceError
from twin.store.protocol import microbatches
from twin.store.records import Edition

from .conformance import BAD, EVER, HOUR, at, made_up


def test_what_is_exported_is_restored_with_its_numbers_and_times(places, tmp_path):
    rows = made_up(random.Random(2), 30)
    with places().open() as store:
        for number, batch in enumerate(microbatches(rows, size=200)):
            store.append(batch, known=1_000 + number, refused=BAD[number % 2 :][:1])
            if number == 1:
                store.compact()
        store.release([store.quarantine()[0].number], known=5_000)
        store.add_edition(Edition(3, "g", "{}"), known=6_000)
        store.retire(2 * HOUR)
        store.export(tmp_path / "out")
        with pytest.raises(OutputError, match="empty"):
            store.export(tmp_path / "out")
        with pytest.raises(OutputError, match="empty"):
            store.restore(tmp_path / "out")
        place = places()
        with place.open() as other:
            receipt = other.restore(tmp_path / "out")
            assert receipt.sequence == store.sequence
            assert receipt.new + receipt.revised == len(store.since(0))
            assert receipt.revised == store.revisions()
        with place.open() as other:
            assert other.since(0) == store.since(0)
            assert other.latest() == store.latest()
            assert other.between(-EVER, EVER) == store.between(-EVER, EVER)
            assert other.sources() == store.sources()
            assert other.editions() == store.editions()
            assert other.refusals() == store.refusals()
            assert [replace(row, number=0) for row in other.quarantine()] == [
                replace(row, number=0) for row in store.quarantine()
            ]
            more = at("new", 50, 1.0)
            assert other.append([more]) == store.append([more])


def test_a_damaged_export_leaves_an_empty_store(places, tmp_path):
    with places().open() as store:
        store.append(made_up(random.Random(3), 9))
        store.export(tmp_path / "out")
    path = tmp_path / "out" / "observations.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    with places().open() as other:
        with pytest.raises(SourceError, match="out"):
            other.restore(tmp_path / "out")
        with pytest.raises(SourceError, match="missing"):
            other.restore(tmp_path / "missing")
        assert other.sequence == 0
        assert other.append([at("a", 1, 1.0)]).new == 1


def test_an_export_goes_from_one_kind_of_store_to_another(embedded_store, places, tmp_path):
    rows = made_up(random.Random(4), 20)
    with embedded_store().open() as source, places().open() as other:
        source.append(rows, known=77)
        source.export(tmp_path / "there")
        other.restore(tmp_path / "there")
        other.export(tmp_path / "back")
        with embedded_store().open() as returned:
            returned.restore(tmp_path / "back")
            assert returned.since(0) == source.since(0) == other.since(0)
