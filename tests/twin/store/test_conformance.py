"""Every store keeps the one contract."""

import random
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.store.protocol import COLUMNS, microbatches
from twin.store.records import Edition, Kept, Observation, Quality, Receipt, Refused

from .conformance import (
    BAD,
    EVER,
    HOUR,
    Plain,
    assert_agree,
    at,
    content,
    kept_rows,
    made_up,
)


def as_table(batch: list[Observation], *, bare: bool = False) -> pa.Table:
    """Return rows as the table that ``load`` takes."""
    kinds = [pa.string(), pa.int64(), pa.float64(), pa.string(), pa.int32(), pa.int64()]
    columns = {
        name: pa.array([getattr(row, name) for row in batch], kind)
        for name, kind in zip(COLUMNS, kinds, strict=True)
    }
    if bare:
        del columns["quality"], columns["version"]
    return pa.table(columns)


# -- statements -----------------------------------------------------------------------


def test_an_empty_store_has_nothing(store):
    assert (store.sequence, store.span(), store.sources()) == (0, None, ())
    assert store.latest() == store.between(0, EVER) == store.since(0) == []
    assert store.coverage(0, EVER) == store.refusals() == {}
    assert store.editions() == store.quarantine() == []
    assert store.edition() is None
    assert store.table(0, EVER).num_rows == 0
    assert store.resample(0, 10, 5, points=["a"]).num_rows == 0
    assert store.compact() == store.retire(5) == store.revisions() == 0
    store.rebuild()


def test_a_receipt_counts_what_became_of_the_rows(store):
    assert store.append([at("a", 1, 5.0), at("b", 1, 6.0)]) == Receipt(2, 0, 0, 0, 2)
    again = [at("a", 1, 5.0), at("a", 2, 7.0), at("b", 1, 6.5)]
    assert store.append(again) == Receipt(1, 1, 1, 0, 4)
    assert store.append(again) == Receipt(0, 3, 0, 0, 4), "the same again has no effect"
    bad = Refused(0, "unit", "kW, got W", "{}")
    assert store.append([], refused=[bad, bad]) == Receipt(0, 0, 0, 2, 4)


def test_going_back_needs_a_higher_version(store):
    """A, B, A: the third repeats the first; who means it says so."""
    store.append([at("a", 1, 5.0)])
    assert store.append([at("a", 1, 6.0)]).revised == 1
    assert store.append([at("a", 1, 5.0)]).repeated == 1
    assert [row.value for row in store.latest()] == [6.0]
    assert store.append([at("a", 1, 5.0, version=1)]).revised == 1
    assert [row.value for row in store.latest()] == [5.0]
    assert store.append([at("a", 1, 7.0)]).revised == 1, "kept, though it never stands"
    assert [row.value for row in store.between(0, EVER)] == [5.0]
    values = [(row.value, row.version, row.revision) for row in store.history("a", HOUR)]
    assert values == [(5.0, 0, 0), (6.0, 0, 1), (5.0, 1, 2), (7.0, 0, 3)]
    assert store.revisions() == 3


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"value": 6.0}, id="value"),
        pytest.param({"value": None}, id="gap"),
        pytest.param({"source": "estimate"}, id="source"),
        pytest.param({"quality": int(Quality.LATE | Quality.MANUAL)}, id="quality"),
        pytest.param({"version": 2**40}, id="version"),
        pytest.param({"version": -1}, id="lower version"),
    ],
)
def test_all_but_the_time_of_arrival_makes_a_statement(store, change):
    row = at("a", 1, 0.0)
    store.append([row])
    assert store.append([replace(row, **change)]).revised == 1
    assert store.append([replace(row, **change)]).repeated == 1
    assert content(store.history("a", HOUR)[-1]) == content(replace(row, **change))


def test_values_come_back_to_the_last_bit(store):
    values = [0.1, -1e-300, 1.7976931348623157e308, 2.0**53 + 2, 5e-324, 0.0, None]
    store.append([at("a", hour, value) for hour, value in enumerate(values)])
    store.compact()
    assert [row.value for row in store.between(0, EVER)] == values
    assert kept_rows(store.table(0, EVER)) == store.between(0, EVER)


def test_what_is_not_a_number_is_a_gap_and_minus_zero_is_zero(store):
    store.append([at("a", 1, float("nan")), at("a", 2, -0.0)])
    gap, zero = store.between(0, EVER)
    assert gap.value is None
    assert str(zero.value) == "0.0"
    assert store.append([at("a", 1, None), at("a", 2, 0.0)]).repeated == 2
    assert store.load(as_table([at("a", 1, float("nan")), at("a", 2, -0.0)])).repeated == 2


def test_names_are_any_text(store):
    names = ["Räå/värme 1", "a'b\"c", "\u2603 %s ?", "A", "a"]
    store.append([at(name, 1, 1.0, f"källa {name}") for name in names])
    store.compact()
    assert [row.point for row in store.between(0, EVER)] == names
    assert store.sources() == tuple(f"källa {name}" for name in names)
    assert [row.point for row in store.latest(points=["a", "A"])] == ["a", "A"]


def test_latest_goes_by_the_time_of_the_value_and_not_of_arrival(store):
    for hour in (5, 9, 7):
        store.append([at("a", hour, float(hour))])
        store.compact()
    assert [row.value for row in store.latest()] == [9.0]
    assert [row.value for row in store.latest(until=8 * HOUR)] == [7.0]
    assert store.latest(until=4 * HOUR) == []
    assert store.latest(points=["ghost"]) == []


def test_a_value_taken_back_uncovers_the_one_before(store):
    store.append([at("a", 1, 5.0), at("a", 2, 6.0)])
    store.compact()
    store.append([at("a", 2, None, version=1)])
    assert [row.value for row in store.latest()] == [5.0]
    store.append([at("a", 2, 8.0)])
    assert [row.value for row in store.latest()] == [5.0], "a lower version does not stand"
    store.append([at("a", 2, 9.0, version=1)])
    assert [row.value for row in store.latest()] == [9.0]


def test_since_goes_on_where_it_stopped(store):
    store.append([at("a", hour, float(hour)) for hour in range(3)])
    store.compact()
    store.append([at("a", hour, float(hour)) for hour in range(3, 5)])
    first = store.since(0, count=2)
    rest = store.since(first[-1].sequence)
    assert [row.sequence for row in first + rest] == [1, 2, 3, 4, 5]
    assert store.since(5) == []


def test_what_was_known_never_runs_backwards(store):
    """A clock set back must not make a later statement look like an earlier one."""
    store.append([at("a", 1, 5.0)], known=1_000)
    store.append([at("a", 1, 6.0)], known=400)
    store.compact()
    store.load(as_table([at("a", 1, 7.0)]), known=300)
    assert [row.known for row in store.history("a", HOUR)] == [1_000] * 3
    assert store.between(0, EVER, known_at=999) == []


def test_a_table_may_lack_quality_and_version(store):
    rows = [at("a", 1, 5.0), at("b", 1, None)]
    assert store.load(as_table(rows, bare=True)) == Receipt(2, 0, 0, 0, 2)
    assert store.append(rows).repeated == 2


def test_a_table_of_another_shape_is_told(store):
    table = as_table([at("a", 1, 5.0)])
    with pytest.raises(ValueError, match="time"):
        store.load(table.drop_columns(["time"]))
    with pytest.raises(ValueError, match="point"):
        store.load(table.set_column(0, "point", pa.array([None], pa.string())))
    assert store.sequence == 0


# -- any history ----------------------------------------------------------------------

ROWS = st.builds(
    Observation,
    point=st.sampled_from(["b1/a", "b1/b", "b2/c"]),
    time=st.integers(-2, 3).map(lambda hour: hour * HOUR),
    value=st.one_of(st.none(), st.integers(0, 3).map(float)),
    source=st.sampled_from(["m", "n"]),
    quality=st.sampled_from([0, 4]),
    version=st.integers(0, 2),
)
BATCHES = st.lists(ROWS, max_size=9)
STEPS = st.one_of(
    st.tuples(st.just("append"), BATCHES),
    st.tuples(st.just("load"), BATCHES),
    st.tuples(st.sampled_from(["compact", "reopen", "rebuild"]), st.none()),
    st.tuples(st.just("retire"), st.integers(-1, 1).map(lambda hour: hour * HOUR)),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, max_size=9))
def test_any_history_reads_as_a_plain_list_would(places, steps):
    place, plain = places(), Plain()
    store = place.open()
    moments: list[int | None] = [None, 0]
    for number, (name, given_to) in enumerate(steps):
        known = 1_000 * (number + 1)
        if name == "append":
            receipt = store.append(given_to, known=known)
            assert receipt == plain.append(given_to, known=known)
        elif name == "load":
            receipt = store.load(as_table(given_to), known=known)
            assert receipt == plain.append(given_to, known=known)
        elif name == "retire":
            assert store.retire(given_to) == plain.retire(given_to)
        elif name == "reopen":
            store.close()
            store = place.open()
        else:
            getattr(store, name)()
        moments += [known, known - 1]
    assert_agree(store, plain, moments[:1] + moments[2::3])
    store.close()
    with place.open(read_only=True) as reader:
        assert_agree(reader, plain, moments[-1:])


def standing(store) -> list[tuple]:
    """Return what stands, whatever the order it arrived in."""
    return sorted(content(row)[:2] + content(row)[3:] + (repr(row.value),)
                  for row in store.between(-EVER, EVER))  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_delivery_in_any_order_with_duplicates_converges_to_the_same_bits(places, seed):
    chance = random.Random(seed)
    rows = made_up(chance, 60)
    with places().open() as clean:
        clean.append(rows)
        wanted, newest = standing(clean), sorted(map(content, clean.latest()))
    shuffled = rows + chance.sample(rows, len(rows) // 2)
    chance.shuffle(shuffled)
    with places().open() as store:
        counted = 0
        for number, batch in enumerate(microbatches(shuffled, size=97)):
            if number % 3 == 2:
                receipt = store.load(as_table(batch))
            else:
                receipt = store.append(batch)
            counted += receipt.new + receipt.revised
            if number % 4 == 1:
                store.compact()
        assert counted == store.sequence == len(rows)
        assert standing(store) == wanted
        assert sorted(map(content, store.latest())) == newest
        for batch in microbatches(rows, size=200):
            receipt = store.append(batch)
            assert (receipt.new, receipt.revised) == (0, 0), "all of it once more"
        assert store.load(as_table(shuffled)).repeated == len(shuffled)
        assert standing(store) == wanted


def test_a_large_table_goes_in_to_the_same_effect_as_its_rows(places):
    """Rows enough that a store takes its fast way, with all that makes it stumble."""
    chance = random.Random(5)
    rows = made_up(chance, 2500)
    chance.shuffle(rows)
    rows += chance.sample(rows, 500)
    with places().open() as slow, places().open() as fast:
        told = [slow.append(batch, known=7) for batch in microbatches(rows[:9_000])]
        before = fast.load(as_table(rows[:9_000]), known=7)
        assert before.new == sum(receipt.new for receipt in told)
        fast.compact()
        told = [slow.append(batch, known=9) for batch in microbatches(rows)]
        receipt = fast.load(as_table(rows), known=9)
        for name in ("new", "repeated", "revised"):
            assert getattr(receipt, name) == sum(getattr(one, name) for one in told)
        assert receipt.sequence == slow.sequence
        assert fast.since(0, count=10**6) == slow.since(0, count=10**6)
        assert fast.latest() == slow.latest()
        for known_at in (None, 8):
            assert kept_rows(fast.table(-EVER, EVER, known_at=known_at)) == slow.between(
                -EVER, EVER, known_at=known_at
            )
        fast.rebuild()
        assert fast.latest() == slow.latest()
        assert fast.since(0, count=10**6) == slow.since(0, count=10**6)


# -- several at once ------------------------------------------------------------------


def test_a_batch_is_kept_whole_or_not_at_all(store):
    store.append([at("a", 1, 5.0)])

    def broken():
        yield at("b", 2, 6.0, "other")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.append(broken())
    assert [row.point for row in store.between(0, EVER)] == ["a"]
    assert store.append([at("c", 3, 7.0)]).sequence == 2, "no number was used up"


def test_what_is_done_alone_is_kept_whole_or_not_at_all(places):
    place = places()
    with place.open() as store, place.open(read_only=True) as other:
        with store.alone():
            store.append([at("a", 1, 5.0)])
            store.load(as_table([at("a", 2, 5.0)]))
            assert other.sequence == 0, "not committed yet"
        assert other.sequence == 2

        def stopped() -> None:
            with store.alone():
                store.append([at("b", 2, 6.0)])
                store.load(as_table([at("a", 3, 5.0)] * 3))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            stopped()
        assert other.sequence == store.sequence == 2
        assert store.append([at("b", 2, 7.0)]).sequence == 3
        assert [row.value for row in other.latest()] == [5.0, 7.0]


def test_a_snapshot_stands_still(places):
    place = places()
    with place.open() as writer, place.open(read_only=True) as reader:
        writer.append([at("a", 1, 1.0)])
        with reader.snapshot():
            assert reader.sequence == 1
            writer.append([at("a", 2, 2.0)])
            writer.compact()
            writer.append([at("a", 1, 3.0)])
            writer.compact()
            assert reader.sequence == 1
            assert [row.value for row in reader.latest()] == [1.0]
            assert [row.value for row in reader.between(0, EVER)] == [1.0]
            assert reader.table(0, EVER).num_rows == 1
        assert [row.value for row in reader.between(0, EVER)] == [3.0, 2.0]


def test_two_stores_open_at_once_see_the_same(places):
    """Names and numbers that the other one gave are known; its compaction is seen."""
    place = places()
    with place.open() as one, place.open() as two:
        for hour in range(6):
            writer = (one, two)[hour % 2]
            assert writer.append([at(f"p{hour % 4}", hour, 1.0)]).sequence == hour + 1
            if hour == 3:
                two.compact()
        assert one.append([at("p0", 0, 1.0), at("p3", 3, 1.0)]).repeated == 2
        assert one.since(0) == two.since(0)
        assert one.latest() == two.latest()


# -- editions -------------------------------------------------------------------------


def test_the_edition_that_was_valid_as_it_was_known(store):
    assert store.add_edition(Edition(0, "g1", '{"a": "Å"}'), known=100)
    assert not store.add_edition(Edition(5, "g1", '{"a": "Å"}'), known=110), "the same"
    assert store.add_edition(Edition(50, "g2", "{}"), known=200)
    assert store.add_edition(Edition(20, "g3", "{}"), known=300)
    numbers = [(row.number, row.valid_from, row.known) for row in store.editions()]
    assert numbers == [(1, 0, 100), (2, 50, 200), (3, 20, 300)]

    def geometry(**asked) -> str | None:
        found = store.edition(**asked)
        return found and found.geometry

    assert geometry() == "g2"
    assert geometry(at=-1) is None
    assert geometry(at=30) == "g3"
    assert geometry(at=30, known_at=299) == "g1"
    assert geometry(at=60, known_at=199) == "g1"
    assert geometry(known_at=99) is None
    assert store.edition(at=0).model == '{"a": "Å"}'


# -- quarantine -----------------------------------------------------------------------


def test_refused_rows_are_kept_whole_and_counted_once_each(store):
    store.append([], refused=BAD, known=10)
    store.append([], refused=BAD[:1], known=20)
    assert store.refusals() == {"range": 1, "unit": 2}
    newest, other = store.quarantine()
    assert newest.payload == b"\x00\xff"
    told = (newest.origin, newest.form, newest.reason, newest.message, newest.row)
    assert told == ("mqtt a/b", "native", "unit", "kW, got W", "{1}")
    assert (newest.first_known, newest.last_known, newest.times) == (10, 20, 2)
    assert (other.first_known, other.last_known, other.times) == (10, 10, 1)
    assert [row.row for row in store.quarantine(count=1)] == ["{1}"]
    assert [row.row for row in store.quarantine(reason="range")] == ["{2}"]
    store.append([], refused=[replace(BAD[0], payload=b"other")], known=30)
    assert len(store.quarantine()) == 3, "another message is another row"


def test_what_was_fed_again_waits_no_longer_unless_it_fails_again(store):
    store.append([], refused=BAD, known=10)
    numbers = [row.number for row in store.quarantine(waiting=True)]
    assert store.release(numbers[:1], known=20) == 1
    assert store.release([*numbers, 999], known=30) == 1
    assert store.release(numbers) == 0
    assert store.quarantine(waiting=True) == []
    assert {row.released for row in store.quarantine()} == {20, 30}
    assert store.refusals() == {"range": 1, "unit": 1}
    store.append([], refused=BAD[:1], known=40)
    (again,) = store.quarantine(waiting=True)
    assert (again.row, again.released, again.times) == ("{1}", None, 2)


# -- care -----------------------------------------------------------------------------


def test_care_changes_no_answer(places):
    rows = made_up(random.Random(1), 40)
    place, plain = places(), Plain()
    with place.open() as store:
        for number, batch in enumerate(microbatches(rows, size=150)):
            store.append(batch, known=number)
            plain.append(batch, known=number)
            store.compact()
        assert store.compact() == 0, "nothing is left to move"
        assert_agree(store, plain, [None, 1])
        store.rebuild()
        assert_agree(store, plain, [None, 1])


def test_retiring_forgets_only_what_is_older(store):
    rows = [at(point, hour, 1.0) for hour in range(9) for point in ("a", "b")]
    store.append(rows[:10])
    store.compact()
    store.append([*rows[10:], at("c", 1, 2.0), at("a", 2, 3.0)])
    assert store.retire(3 * HOUR) == 8
    assert store.span() == (3 * HOUR, 8 * HOUR)
    assert {row.point for row in store.latest()} == {"a", "b"}
    assert store.sequence == 20
    assert store.revisions() == 0
    assert store.retire(3 * HOUR) == 0
    assert store.append([at("a", 9, 1.0)]).sequence == 21
    assert store.append([at("a", 4, 1.0)]).repeated == 1


def test_rows_keep_their_kind(store):
    store.append([at("a", 1, 5.0)])
    (row,) = store.between(0, EVER)
    assert isinstance(row, Kept)
    assert isinstance(row.value, float)
    assert isinstance(row.time, int)


def test_points_that_were_never_heard_of_have_nothing(store):
    store.append([at("a", hour, 1.0) for hour in range(100)])
    assert store.history("b", 5) == []
    assert store.between(0, EVER, points=["b"]) == []
    assert store.latest(points=["b"]) == []
    assert store.table(0, EVER, points=["b"]).num_rows == 0
    assert store.resample(0, 100 * HOUR, HOUR, points=["b"]).num_rows == 0
