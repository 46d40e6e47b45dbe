"""Append checked rows as one batch, with those that do not hold put aside beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin.ingest.checks import Reason, Refusal, Way
from twin.ingest.courses import odd_places
from twin.ingest.letters import Batch
from twin.ingest.predecessors import Predecessors
from twin.live import SIMULATED
from twin.store.protocol import Store
from twin.store.records import Observation, Receipt, Refused

MANY = 20_000
"""Statements of a batch from which on they go in as a table."""


@dataclass(frozen=True)
class Admission:
    """What became of the rows of a batch.

    Attributes
    ----------
    receipt : Receipt
        Counts, once the batch is on the disk.
    refused : tuple of Refused
        Rows that went into quarantine, with the reason of each.
    """

    receipt: Receipt
    refused: tuple[Refused, ...]


def admit_batch(
    store: Store,
    predecessors: Predecessors,
    rows: list[Observation],
    ways: Sequence[Way],
    *,
    refused: list[Refused],
    put_aside: Callable[[int, Refusal], Refused],
    wait: bool = False,
) -> Admission:
    """Append rows that hold by themselves, if they hold together with what is known.

    Parameters
    ----------
    store : Store
    predecessors : Predecessors
        Of the same store.
    rows : list of Observation
        The batch; all of it goes onto the disk at once.
    ways : sequence of Way
        The way that each row took.
    refused : list of Refused
        What of the batch does not hold by itself.
    put_aside : callable
        Makes a refused row of a place in ``rows`` and the refusal.
    wait : bool
        Whether all of it waits in the quarantine already, and is not put there again.

    Returns
    -------
    Admission
        When it is returned, everything is on the disk.

    Raises
    ------
    OutputError, SourceError
        If the store cannot be written; then nothing of the batch is kept.
    """
    try:
        # No other feeder may turn the store's kind between the question and the answer.
        with store.alone():
            places = list(range(len(rows)))
            refusals = _mixtures([row.source for row in rows], store.sources())
            said: set[int] = set()
            if refusals:
                places = [place for place in places if place not in refusals]
            else:
                said = predecessors.said(rows)
                places = [place for place in places if place not in said]
            found = predecessors.check(
                [rows[place] for place in places], [ways[place] for place in places]
            )
            refusals |= {places[place]: refusal for place, refusal in found.items()}
            refused = _refused(refused, refusals, put_aside)
            kept = [rows[place] for place in places if place not in refusals]
            receipt = store.append(kept, refused=() if wait else refused)
    except BaseException:
        predecessors.forget()
        raise
    predecessors.settle(receipt.sequence)
    receipt = replace(receipt, repeated=receipt.repeated + len(said))
    return Admission(receipt, tuple(refused))


def admit_statements(
    store: Store,
    predecessors: Predecessors,
    batch: Batch,
    ways: Sequence[Way],
    *,
    wait: bool = False,
    many: int = MANY,
) -> Admission:
    """Append a batch of messages, to the same effect as `admit_batch` of its rows.

    Parameters
    ----------
    store : Store
    predecessors : Predecessors
        Of the same store.
    batch : Batch
        All of it goes onto the disk at once.
    ways : sequence of Way
        By number.
    wait : bool
        Whether all of it waits in the quarantine already, and is not put there again.
    many : int
        Statements from which on they go in as a table.

    Raises
    ------
    OutputError, SourceError
        If the store cannot be written; then nothing of the batch is kept.
    """
    if len(batch.way) < many:
        return admit_batch(
            store,
            predecessors,
            batch.observations(ways),
            [ways[number] for number in batch.way],
            refused=batch.refused,
            put_aside=batch.put_aside,
            wait=wait,
        )
    # What is remembered of single values is not kept up to date with a table.
    predecessors.forget()
    with store.alone():
        refusals = _mixtures(batch.source, store.sources())
        places = np.arange(len(batch.way))
        if refusals:
            places = np.setdiff1d(places, list(refusals))
        way = np.array(batch.way, np.int64)[places]
        time = np.array(batch.time, np.int64)[places]
        value = np.array(batch.value, np.float64)[places]
        odd = places[odd_places(store, ways, way, time, value)].tolist()
        found = predecessors.check(
            batch.observations(ways, odd), [ways[batch.way[place]] for place in odd]
        )
        predecessors.forget()
        refusals |= {odd[place]: refusal for place, refusal in found.items()}
        refused = _refused(batch.refused, refusals, batch.put_aside)
        aside = [] if wait else refused
        if aside:
            store.append([], refused=aside)
        receipt = store.load(batch.table(ways, gone=refusals))
    return Admission(replace(receipt, refused=len(aside)), tuple(refused))


def _refused(
    refused: list[Refused],
    refusals: dict[int, Refusal],
    put_aside: Callable[[int, Refusal], Refused],
) -> list[Refused]:
    """Return all refused rows in their order."""
    if not refusals:
        return refused
    more = [put_aside(place, refusal) for place, refusal in refusals.items()]
    return sorted(refused + more, key=lambda row: row.number)


def _mixtures(told: Sequence[str], sources: Sequence[str]) -> dict[int, Refusal]:
    """Say which sources a store of others does not take: made up, or measured."""
    made_up = [source == SIMULATED for source in told]
    # What came first decides; a single measured value would make thousands look like it.
    kinds = {source == SIMULATED for source in sources} or set(made_up[:1])
    return {
        place: Refusal(
            Reason.MIXED,
            f"the log holds {'measured' if one else 'simulated'} values and takes no "
            "others beside them; use a copy of the twin folder without live.sqlite and "
            "simulated_faults.json",
        )
        for place, one in enumerate(made_up)
        if (not one) in kinds
    }
