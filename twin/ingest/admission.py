"""Append checked rows as one batch, with those that do not hold put aside beside them."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from twin.ingest.checks import Reason, Refusal, Way
from twin.ingest.predecessors import Predecessors
from twin.live import SIMULATED
from twin.store.protocol import Store
from twin.store.records import Observation, Receipt, Refused

ROW_LENGTH = 500
"""Characters kept of a refused row."""


Content = tuple[str, str, str, str, bytes]
"""What tells one refused row from another."""


def content(row: Refused) -> Content:
    """Return what tells a refused row from others."""
    return row.reason, row.row, row.origin, row.form, row.payload


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
    waiting: Collection[Content] = (),
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
    waiting : collection of Content
        Refused rows that wait in the quarantine already, and are not put there again.

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
            refusals = _mixtures(rows, store.sources())
            if refusals:
                held = [place for place in range(len(rows)) if place not in refusals]
                found = predecessors.check(
                    [rows[place] for place in held], [ways[place] for place in held]
                )
                refusals |= {held[place]: refusal for place, refusal in found.items()}
            else:
                refusals = predecessors.check(rows, ways)
            if refusals:
                refused = refused + [
                    put_aside(place, refusal) for place, refusal in refusals.items()
                ]
                refused.sort(key=lambda row: row.number)
                rows = [row for place, row in enumerate(rows) if place not in refusals]
            aside = [row for row in refused if content(row) not in waiting]
            receipt = store.append(rows, refused=aside)
    except BaseException:
        predecessors.forget()
        raise
    predecessors.settle(receipt.sequence)
    return Admission(receipt, tuple(refused))


def _mixtures(rows: Sequence[Observation], sources: Sequence[str]) -> dict[int, Refusal]:
    """Say which rows a store of these sources does not take: made up, or measured."""
    made_up = [row.source == SIMULATED for row in rows]
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


def row_text(row: object) -> str:
    """Return a row as text for the quarantine, cut where it is long."""
    try:
        text = json.dumps(row, default=str)
    except (TypeError, ValueError, RecursionError):
        # Numbers of thousands of digits, keys that are no text, nests without end.
        text = f"a {type(row).__name__} that cannot be shown"
    if len(text) <= ROW_LENGTH:
        return text
    return f"{text[:ROW_LENGTH]}... ({len(text)} characters)"
