"""Give every store of observations to the one suite that all of them pass."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from twin.store.embedded import EmbeddedStore
from twin.store.postgres import PostgresStore
from twin.store.protocol import Store

from .postgres_server import Server, server


class Place(Protocol):
    """Where one store lies, empty at first."""

    def open(self, *, read_only: bool = False) -> Store:
        """Open it; the test closes it."""
        ...


@dataclass
class Folder:
    """A twin folder with an embedded store."""

    path: Path
    opened: list[Store] = field(default_factory=list)

    def open(self, *, read_only: bool = False) -> Store:
        """Open it."""
        store = EmbeddedStore(self.path / "live.sqlite", read_only=read_only)
        self.opened.append(store)
        return store


@pytest.fixture
def embedded_store(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], Place]]:
    """Return what makes new places of embedded stores."""
    made: list[Folder] = []

    def new() -> Place:
        made.append(Folder(tmp_path_factory.mktemp("store")))
        return made[-1]

    yield new
    for folder in made:
        for store in folder.opened:
            store.close()


@dataclass
class Schema:
    """A twin of its own in the server's database."""

    address: str
    twin: str
    opened: list[Store] = field(default_factory=list)

    def open(self, *, read_only: bool = False) -> Store:
        """Open it."""
        store = PostgresStore(self.address, twin=self.twin, read_only=read_only)
        self.opened.append(store)
        return store


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Return a server that the tests may use, a private one if none is named."""
    with server() as running:
        yield running


@pytest.fixture
def postgres_store(postgres_server: Server) -> Iterator[Callable[[], Place]]:
    """Return what makes new twins in a database; they are dropped after the test."""
    made: list[Schema] = []

    def new() -> Place:
        made.append(Schema(postgres_server.address, f"test {secrets.token_hex(6)}"))
        return made[-1]

    yield new
    for schema in made:
        for store in schema.opened:
            store.close()
    postgres_server.drop(schema.twin for schema in made)


STORES = {
    "embedded": "embedded_store",
    "postgres": "postgres_store",
}
"""Fixture of each kind of store: it returns a function that returns a new `Place`."""


@pytest.fixture(params=STORES)
def places(request: pytest.FixtureRequest) -> Callable[[], Place]:
    """Return what makes new places of one kind; each test runs once with every kind."""
    return request.getfixturevalue(STORES[request.param])


@pytest.fixture
def store(places: Callable[[], Place]) -> Iterator[Store]:
    """Return an open store that is empty."""
    with places().open() as opened:
        yield opened
