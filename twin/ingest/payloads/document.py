"""Read the JSON of a message, single or line by line, from anyone."""

import json
import math

import msgspec

from twin.ingest.payloads.fields import FieldError
from twin.ingest.readings import Fault

LARGEST = 16 * 1024 * 1024
"""Largest message that is read [bytes]; a thousand values take a tenth of a megabyte."""

MOST_VALUES = 2_000_000
"""Commas of a message that is read: sixteen megabytes of zeros would take gigabytes."""

LONGEST_NUMBER = 400
"""Digits of a whole number beyond which it is as good as infinite."""

DECODER = msgspec.json.Decoder()

MOST_BROKEN = 1_000
"""Lines without JSON after which the rest of a message is not read: each takes long."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_document(body: bytes) -> object:
    """Return the JSON of a message.

    Parameters
    ----------
    body : bytes
        One document. NaN and infinite numbers are let in, though JSON has none, so that
        the decoder can refuse the row and keep the rest. Of a key that occurs twice in an
        object the last one holds.

    Raises
    ------
    FieldError
        If it is too large, too deep, or no JSON.
    """
    _check_size(body)
    text = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise FieldError(Fault.SHAPE, "a message must not be nested so deep") from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        return _lenient(text, str(error))


def read_lines(body: bytes) -> tuple[list[object], list[tuple[int, bytes, FieldError]]]:
    """Return the documents of a message that has one on each line, empty lines left out.

    Returns
    -------
    list of object
        Documents.
    list of (int, bytes, FieldError)
        Lines that hold none: number from 0, text, why. After `MOST_BROKEN` the rest is
        not read, but told as the last of them.
    """
    try:
        _check_size(body)
    except FieldError as fault:
        return [], [(0, body, fault)]
    documents: list[object] = []
    bad: list[tuple[int, bytes, FieldError]] = []
    lines = body.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    try:
        # Mostly all hold.
        return list(map(DECODER.decode, filter(None, lines))), bad
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not stripped:
            continue
        if len(bad) == MOST_BROKEN:
            message = (
                f"at most {MOST_BROKEN} lines may be broken, got more; the "
                f"{len(lines) - number} lines from line {number + 1} on are not read"
            )
            rest = b"\n".join(lines[number:])
            bad.append((number, rest, FieldError(Fault.SHAPE, message)))
            break
        try:
            documents.append(read_document(stripped))
        except FieldError as fault:
            bad.append((number, line, fault))
    return documents, bad


def _check_size(body: bytes) -> None:
    """Raise if a message is larger than anything a device sends."""
    if len(body) > LARGEST:
        message = f"a message must be at most {LARGEST} bytes, got {len(body)}"
        raise FieldError(Fault.SIZE, message)
    # Strings may hold commas, too, but not so many.
    if len(body) > MOST_VALUES and body.count(b",") > MOST_VALUES:
        message = f"a message must hold at most {MOST_VALUES} values, got more; split it"
        raise FieldError(Fault.SIZE, message)


def _lenient(text: bytes, complaint: str) -> object:
    """Return a document that holds numbers JSON has none of."""
    try:
        return json.loads(
            text.decode(), parse_constant=_no_number, parse_int=_whole, parse_float=float
        )
    except RecursionError as error:
        raise FieldError(Fault.SHAPE, "a message must not be nested so deep") from error
    except ValueError as error:
        message = f"a message must be JSON in UTF-8, got: {complaint[:120]}"
        raise FieldError(Fault.SHAPE, message) from error


def _no_number(text: str) -> float:
    """Return NaN and infinite values as such."""
    return float(text)


def _whole(text: str) -> float:
    """Return a whole number; one of very many digits takes quadratic time to read."""
    if len(text) > LONGEST_NUMBER:
        return -math.inf if text.startswith("-") else math.inf
    return int(text)
