"""Feed files into a store: tables and messages of any form, told by what stands in them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gis.errors import SourceError, TableError
from twin.ingest.bulk import Bulk
from twin.ingest.clean_series import (
    FORWARD,
    RETURN,
    HeatSeries,
    heat_registers,
    read_registers,
)
from twin.ingest.exports import Export, Reader, Series, read_export
from twin.ingest.intake import MEASURED, Intake, Message
from twin.ingest.mapping import Mapping
from twin.ingest.payloads.document import BYTE_ORDER_MARK
from twin.ingest.payloads.document import LARGEST as LARGEST_MESSAGE
from twin.ingest.payloads.forms import BY_LINES, recognise
from twin.ingest.sheet import Load
from twin.model import Model
from twin.store.protocol import Store

LINES = 5_000
"""Lines of a file that are one message."""

AT_ONCE = LARGEST_MESSAGE
"""Bytes of a file of lines that are one commit, about: other writers wait for its end."""

HEAD = 1 << 16

WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""First bytes of texts in UTF-16."""

Teller = Callable[[float], None]


@dataclass(frozen=True)
class Fed:
    """What became of a file.

    Attributes
    ----------
    path : Path
    form : str
        ``"table"``, or the form of its messages; "" where none was recognised.
    load : Load
        Counts, and the first refused rows.
    notes : tuple of str
        What else there is to say.
    """

    path: Path
    form: str
    load: Load
    notes: tuple[str, ...] = ()


def feed_file(
    path: Path,
    model: Model,
    store: Store,
    mapping: Mapping | None = None,
    *,
    how: Reader | None = None,
    source: str = MEASURED,
    clean: bool = False,
    dry: bool = False,
    tell: Teller = lambda _: None,
) -> Fed:
    """Feed a file; feeding it again has no effect.

    Parameters
    ----------
    path : Path
        CSV, Parquet, or messages of any form, one or one on each line.
    model : Model
    store : Store
    mapping : Mapping, optional
        Points of the names in the file.
    how : Reader, optional
        How tables are read.
    source : str
        Source of values where the file tells none.
    clean : bool
        Whether values of tables are flagged that cannot have been measured. A device with
        the four registers of a heat meter gets its temperatures worked out as well, under
        the names `FORWARD` and `RETURN`.
    dry : bool
        Whether nothing shall be written.
    tell : callable
        Told the share that is done.

    Raises
    ------
    SourceError, TableError
        If the file cannot be read, or is neither a table nor a message.
    OutputError
        If the store cannot be written; what was committed before is kept.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        message = f"{path} must be readable: {error.strerror or error}"
        raise SourceError(message) from error
    if not head.strip():
        message = f"{path} must hold something, but is empty"
        raise TableError(message)
    if head.startswith(WIDE_MARKS) and _is_message(
        head.decode("utf-16", "ignore").encode()
    ):
        intake = Intake(model, store, mapping, source=source)
        return _feed_wide(path, intake, dry=dry, tell=tell)
    if _is_message(head):
        intake = Intake(model, store, mapping, source=source)
        return _feed_messages(path, intake, _messages(path, head), dry=dry, tell=tell)
    points = [point.id for point in model.points]
    bulk = Bulk(model, store, mapping, source=source, dry=dry)
    export = read_export(path, how or Reader(), points=points, unwanted=bulk.unwanted)
    notes = list(export.notes)
    heat = _heat(export) if clean else []
    load = bulk.load(export, path.name, clean=clean, tell=tell)
    for device, found in heat:
        load.findings += found.findings
        derived = _temperatures(device, found, mapping)
        if derived is not None:
            more = bulk.load(derived, path.name)
            notes.append(
                f"temperatures of {device}: {more.new:,} new, {more.repeated:,} repeated"
            )
    return Fed(path, "table", load, tuple(notes))


def _is_message(head: bytes) -> bool:
    """Return whether a file begins as JSON does."""
    return head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"[")


def _feed_wide(path: Path, intake: Intake, *, dry: bool, tell: Teller) -> Fed:
    """Feed a file of messages in UTF-16, as some shells write them."""
    if path.stat().st_size > LARGEST_MESSAGE:
        message = (
            f"a file in UTF-16 must have at most {LARGEST_MESSAGE} bytes, {path} is "
            "larger; write it in UTF-8"
        )
        raise TableError(message)
    arrived = path.stat().st_mtime_ns // 1000
    body = path.read_bytes().decode("utf-16", errors="replace").encode()
    one = [Message(body, path.name, arrived=arrived)]
    return _feed_messages(path, intake, iter([one]), dry=dry, tell=tell)


def _feed_messages(
    path: Path,
    intake: Intake,
    batches: Iterator[list[Message]],
    *,
    dry: bool,
    tell: Teller,
) -> Fed:
    """Feed the messages of a file."""
    size = path.stat().st_size
    load, form = Load(), ""
    feed = intake.judge if dry else intake.take
    done = 0
    for messages in batches:
        form = form or messages[0].form or recognise(messages[0].body)
        admission = feed(messages)
        load.add(admission.receipt)
        for row in admission.refused:
            load.count(row.reason)
        load.refused += admission.refused[: 1_000 - len(load.refused)]
        done += sum(len(message.body) for message in messages)
        tell(min(1.0, done / max(size, 1)))
    load.unwanted = intake.unwanted
    notes = tuple(f"{note} ({count:,} times)" for note, count in intake.passed.items())
    return Fed(path, form, load, notes)


def _messages(path: Path, head: bytes) -> Iterator[list[Message]]:
    """Yield the messages of a file, as many as are one batch."""
    # What has no time is of when the file was written, however often it is fed.
    arrived = path.stat().st_mtime_ns // 1000
    first, _, rest = head.removeprefix(BYTE_ORDER_MARK).lstrip().partition(b"\n")
    form = recognise(first) if rest.strip() else ""
    if not form and path.stat().st_size <= LARGEST_MESSAGE:
        yield [Message(path.read_bytes(), path.name, arrived=arrived)]
        return
    if not form:
        message = (
            f"a message must have at most {LARGEST_MESSAGE} bytes, {path} is larger; write "
            "one document on each line"
        )
        raise TableError(message)
    batch: list[Message] = []
    size = 0
    with path.open("rb") as file:
        while lines := file.readlines(LARGEST_MESSAGE // 4):
            for start in range(0, len(lines), LINES):
                some = [line for line in lines[start : start + LINES] if not line.isspace()]
                size += sum(map(len, some))
                if form in BY_LINES and some:
                    by_lines, body = BY_LINES[form], b"".join(some)
                    batch.append(Message(body, path.name, arrived=arrived, form=by_lines))
                else:
                    batch += [Message(line, path.name, arrived=arrived) for line in some]
                if size >= AT_ONCE:
                    yield batch
                    batch, size = [], 0
    if batch:
        yield batch


def _heat(export: Export) -> list[tuple[str, HeatSeries]]:
    """Return what the registers of each heat meter in a table tell."""
    by_device: dict[str, dict[str, int]] = {}
    for number, series in enumerate(export.series):
        by_device.setdefault(series.device, {})[series.name] = number
    found = []
    for device, names in by_device.items():
        registers = heat_registers(list(names))
        if not registers:
            continue
        values, times = {}, {}
        for what, name in registers.items():
            rows = np.flatnonzero(export.place == names[name])
            rows = rows[np.argsort(export.time[rows], kind="stable")]
            times[what], first = np.unique(export.time[rows], return_index=True)
            values[what] = export.value[rows[first]]
        common = times["energy"]
        if all(np.array_equal(common, time) for time in times.values()) and len(common) > 1:
            found.append((device, read_registers(common, values, name=f"meter {device}")))
    return found


def _temperatures(device: str, found: HeatSeries, mapping: Mapping | None) -> Export | None:
    """Return the temperatures of a heat meter as a table, None where nobody wants them."""
    time = int(found.start[0])
    wanted = [
        (name, value)
        for name, value in ((FORWARD, found.forward), (RETURN, found.back))
        if mapping is not None and mapping.find(device, name, time) is not None
    ]
    if not wanted:
        return None
    count = len(found.start)
    return Export(
        [Series(device, name, "degC") for name, _ in wanted],
        np.repeat(np.arange(len(wanted)), count),
        np.tile(found.start, len(wanted)),
        np.concatenate([value for _, value in wanted]),
        np.zeros(count * len(wanted), np.int64),
        quality=np.tile(found.quality, len(wanted)),
    )
