"""Feed a simulated day beside other work."""

import threading
from collections.abc import Callable
from datetime import date

from gis.errors import HeidiError
from twin.live import LiveTwin
from twin.simulation.day import feed_day, make_day
from twin.store.log import Log


def feed_in_background(
    twin: LiveTwin,
    *,
    day: date,
    pace: float,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> threading.Thread:
    """Start to feed a simulated day.

    Parameters
    ----------
    twin : LiveTwin
    day : date
        Day, UTC.
    pace : float
        Seconds that an hour of the day takes.
    stop : Event
        Ends it when set, after the batch in hand.
    tell : callable
        Told in one line how it ended.

    Returns
    -------
    Thread
        Running; the program need not wait for it.
    """

    def feed() -> None:
        new = 0
        try:
            made = make_day(twin, day=day)
            with Log(twin.log_path) as log:
                for _, admission in feed_day(twin, log, made):
                    new += admission.receipt.new + admission.receipt.revised
                    # What is in the log already is passed over, not waited for.
                    changed = admission.receipt.new or admission.receipt.revised
                    if stop.wait(pace if changed else 0):
                        return
        except HeidiError as error:
            tell(f"heidi: {' '.join(str(error).split())}")
            return
        tell(f"simulated {day.isoformat()}: {new:,} values fed")

    thread = threading.Thread(target=feed, name="simulated-day", daemon=True)
    thread.start()
    return thread
