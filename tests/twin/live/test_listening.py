"""`heidi serve --mqtt` tells once that a broker has let it in."""

import threading
from collections.abc import Iterator

from twin.cli.live import tell_connected
from twin.ingest.mqtt_counts import Counts


class Fake:
    """A listener that is let in at the third look."""

    def __init__(self) -> None:
        self._told: Iterator[bool] = iter([False, False, True, True])

    def alive(self) -> bool:
        """Say that it runs."""
        return True

    def counts(self) -> Counts:
        """Tell how it is doing."""
        return Counts("mqtt://b:1883", "heidi-1", ("hid/v1/#",), connected=next(self._told))


def test_it_is_told_once_when_it_is_so(capsys):
    tell_connected(Fake(), threading.Event())
    assert capsys.readouterr().err == "listening to mqtt://b:1883 for hid/v1/# as heidi-1\n"


def test_a_server_that_ends_before_says_nothing(capsys):
    ended = threading.Event()
    ended.set()
    tell_connected(Fake(), ended)
    assert capsys.readouterr().err == ""
