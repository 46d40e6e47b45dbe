"""Store what a broker hands over in the twin of a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from twin import things
from twin.editions import keep_edition
from twin.ingest.intake import TOPIC, Intake, Message, Reason
from twin.ingest.mapping import read_mapping
from twin.ingest.mqtt_link import Delivery
from twin.ingest.payloads.forms import decode
from twin.store.opening import open_store
from twin.store.records import Quality, Receipt, Refused

SEALED_AFTER = 500_000
"""New statements after which they are moved into the history; some seconds of work."""

ROW_LENGTH = 500
"""Characters kept of a refused message as text; it lies beside as it came."""


class Keeper(Protocol):
    """Whoever stores what a broker hands over."""

    def keep(self, batch: Sequence[Delivery]) -> list[Receipt]:
        """Store messages; when this returns, they are on the disk.

        Raises
        ------
        OutputError, SourceError
            If they cannot be stored; then they may be given again.
        """
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


class FolderKeeper:
    """Stores messages in the twin of a folder, wherever that keeps its observations.

    Parameters
    ----------
    folder : Path
        Twin folder.
    mapping : Path or None
        Mapping file.
    broker : str
        Address that messages come from.

    Raises
    ------
    SourceError, OutputError, TableError
        If one of them cannot be had.
    """

    def __init__(self, folder: Path, mapping: Path | None, broker: str) -> None:
        model = things.read_model(folder / things.FILE)
        known = {point.id: point.quantity for point in model.points}
        ties = None if mapping is None else read_mapping(mapping, points=known)
        self._broker = broker
        self._store = open_store(folder)
        self._unsealed = 0
        keep_edition(folder, self._store)
        self._intake = Intake(model, self._store, mapping=ties)

    def keep(self, batch: Sequence[Delivery]) -> list[Receipt]:
        """Store messages as one batch; put those aside that could be of any age."""
        undated = [delivery for delivery in batch if _is_undated(delivery)]
        aside = {id(delivery) for delivery in undated}
        messages = [
            Message(
                body=delivery.body,
                origin=self._broker,
                topic=delivery.topic,
                content_type=delivery.content_type,
                arrived=delivery.arrived,
            )
            for delivery in batch
            if id(delivery) not in aside
        ]
        receipts = [self._intake.take(messages).receipt] if messages else []
        if undated:
            refused = [
                self._put_aside(number, delivery) for number, delivery in enumerate(undated)
            ]
            receipts.append(self._store.append([], refused=refused))
        self._unsealed += sum(receipt.new + receipt.revised for receipt in receipts)
        if self._unsealed >= SEALED_AFTER:
            self._unsealed = 0
            self._store.compact()
        return receipts

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _put_aside(self, number: int, delivery: Delivery) -> Refused:
        """Return a retained message without a time for the quarantine."""
        return Refused(
            number,
            Reason.TIME.value,
            "a retained message must tell its time, as it may be of any age; let the "
            "device send the time, or not retain",
            delivery.body[:ROW_LENGTH].decode(errors="replace"),
            origin=f"{self._broker}{TOPIC}{delivery.topic}",
            payload=delivery.body,
        )


def _is_undated(delivery: Delivery) -> bool:
    """Return whether a message was kept by the broker and tells no time.

    Such a one comes again at every start: a meter long dead would seem to speak.
    """
    if not delivery.retained:
        return False
    decoded = decode(
        delivery.body,
        topic=delivery.topic,
        content_type=delivery.content_type,
        arrival=delivery.arrived,
    )
    return any(
        reading.time is None or reading.quality & Quality.CLOCK
        for reading in decoded.readings
    )
