"""Feed a store in PostgreSQL batch by batch and say what was acknowledged."""

import sys

from twin.store.postgres import PostgresStore
from twin.store.records import Observation

POINTS = 40


def batch(number: int) -> list[Observation]:
    """Return a batch that holds a correction of the one before and a gap."""
    rows = [
        Observation(
            f"p{point}", number, None if point == number % POINTS else number / 8, "m"
        )
        for point in range(POINTS)
    ]
    if number:
        rows.append(Observation("p7", number - 1, -float(number), "typed", version=1))
    return rows


def main(address: str, twin: str, first: str) -> None:
    """Write batches from a number on until somebody kills this."""
    with PostgresStore(address, twin=twin) as store:
        number = int(first)
        while True:
            store.append(batch(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
