"""Remember the numbers that a twin in PostgreSQL gave to names."""

from collections.abc import Iterable

from twin.store.columns import IntArray
from twin.store.postgres_link import Link


class Names:
    """Numbers of names that only ever grow; they are the server's, remembered here."""

    def __init__(self, link: Link, table: str) -> None:
        self._link = link
        self._table = table
        self._renewals = -1
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []

    def refresh(self) -> None:
        """Learn the names that came since."""
        query = f"SELECT name FROM {self._table} WHERE number > %s ORDER BY number"
        if self._renewals != self._link.renewals:
            self._numbers, self._names = {}, []
        found = self._link.run(query, (len(self._names),)).fetchall()
        # Reading may have made a new connection, after which all is read again.
        again = self._renewals != self._link.renewals and self._names
        self._renewals = self._link.renewals
        if again:
            self._numbers, self._names = {}, []
            self.refresh()
            return
        for (name,) in found:
            self._names.append(str(name))
            self._numbers[str(name)] = len(self._names)

    def known(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of those names that there are, in the order given."""
        wanted = dict.fromkeys(names)
        if (
            self._renewals != self._link.renewals
            or not wanted.keys() <= self._numbers.keys()
        ):
            self.refresh()
        return {name: self._numbers[name] for name in wanted if name in self._numbers}

    def given(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of names; new ones get the next, in the order given."""
        wanted = list(dict.fromkeys(names))
        known = self.known(wanted)
        new = [name for name in wanted if name not in known]
        if new:
            self._link.many(
                f"INSERT INTO {self._table}(number, name) VALUES (%s, %s)",
                [(len(self._names) + place, name) for place, name in enumerate(new, 1)],
            )
            known = self.known(wanted)
        return known

    def all(self) -> list[str]:
        """Return all names in the order of their numbers, which count from 1."""
        self.refresh()
        return self._names

    def of(self, numbers: IntArray) -> list[str]:
        """Return names of all numbers up to the largest of these, at least."""
        return self.up_to(int(numbers.max(initial=0)))

    def up_to(self, number: int) -> list[str]:
        """Return names of all numbers up to one, at least."""
        if self._renewals != self._link.renewals or number > len(self._names):
            self.refresh()
        return self._names
