"""Keep what was refused in PostgreSQL."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from twin.store.postgres_link import Link
from twin.store.records import Quarantined, Refused

COLUMNS = (
    "number, reason, message, row, origin, form, payload, first_known, last_known, times, "
    "released"
)


def refuse(link: Link, refused: Sequence[Refused], *, learned: int) -> None:
    """Keep refused rows; the same again is counted, not kept twice, and waits anew."""
    if refused:
        link.many(
            "INSERT INTO quarantine(number, same, reason, message, row, origin, form, "
            "payload, first_known, last_known, times) VALUES "
            "((SELECT coalesce(max(number), 0) + 1 FROM quarantine), "
            "%(same)s, %(reason)s, %(message)s, %(row)s, %(origin)s, %(form)s, "
            "%(payload)s, %(known)s, %(known)s, 1) ON CONFLICT (same) DO UPDATE SET "
            "times = quarantine.times + 1, last_known = excluded.last_known, "
            "released = NULL",
            [{**_columns(row), "known": learned} for row in refused],
        )


def insert_refused(link: Link, rows: Sequence[Quarantined]) -> None:
    """Put rows back with the numbers and times that they had."""
    if rows:
        link.many(
            f"INSERT INTO quarantine(same, {COLUMNS}) VALUES (%(same)s, %(number)s, "
            "%(reason)s, %(message)s, %(row)s, %(origin)s, %(form)s, %(payload)s, "
            "%(first)s, %(last)s, %(times)s, %(released)s)",
            [
                {
                    **_columns(row),
                    "number": row.number,
                    "first": row.first_known,
                    "last": row.last_known,
                    "times": row.times,
                    "released": row.released,
                }
                for row in rows
            ],
        )


def quarantined(row: tuple[Any, ...]) -> Quarantined:
    """Return a row of `COLUMNS`; its text lies there as bytes."""
    number, reason, *told, payload, first, last, times, released = row
    message, text, origin, form = (
        bytes(part).decode("utf-8", "surrogatepass") for part in told
    )
    return Quarantined(
        number=number,
        reason=reason,
        message=message,
        row=text,
        origin=origin,
        form=form,
        payload=bytes(payload),
        first_known=first,
        last_known=last,
        times=times,
        released=released,
    )


def _columns(row: Refused) -> dict[str, object]:
    """Return a refused row as it lies in the quarantine."""
    text = {
        name: getattr(row, name).encode("utf-8", "surrogatepass")
        for name in ("message", "row", "origin", "form")
    }
    told = [row.reason.encode(), text["row"], text["origin"], text["form"], row.payload]
    # Lengths keep the end of one part from reading as the start of the next.
    same = sha256(b"".join(len(part).to_bytes(8, "big") + part for part in told)).digest()
    return {"same": same, "reason": row.reason, "payload": row.payload, **text}
