"""The live page shows the day as it comes, in a real browser and without a network."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from twin.ingest.gate import read_time
from twin.live import open_live
from twin.simulation.day import feed_day, make_day
from twin.store.log import Log
from twin.store.records import Observation

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-quic", "--no-first-run"),
    *("--hide-scrollbars", "--disable-background-networking", "--remote-debugging-pipe"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
)


class Browser:
    """A page in a browser of its own; what it complains of is kept."""

    def __init__(
        self, *, width: int = 1920, height: int = 1080, dark: bool = False
    ) -> None:
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()

        def wire() -> None:
            # Chromium reads from 3 and writes to 4. Both ends may lie on these numbers.
            a, b = os.dup(theirs_in), os.dup(theirs_out)
            while min(a, b) < 5:
                a, b = os.dup(a), os.dup(b)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self._process = subprocess.Popen(
            [CHROMIUM or "chromium", *FLAGS, f"--user-data-dir={self._home.name}"],
            preexec_fn=wire,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = ours_in, ours_out
        self._rest = b""
        self._count = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def __enter__(self) -> Self:  # noqa: D105
        return self

    def __exit__(  # noqa: D105
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._home.cleanup()

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Ask the browser for something and wait for its answer."""
        self._count += 1
        told: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            told["sessionId"] = self._session
        os.write(self._out, json.dumps(told).encode() + b"\0")
        end = time.monotonic() + 30
        while time.monotonic() < end:
            message = self._read(end - time.monotonic())
            if message.get("id") == told["id"]:
                if "error" in message:
                    raise RuntimeError(message["error"]["message"])
                return dict(message["result"])
        raise TimeoutError(method)

    def _read(self, patience: float) -> dict[str, Any]:
        """Read one message; keep complaints of the page."""
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], patience)[0]:
                raise TimeoutError("the browser is silent")
            self._rest += os.read(self._in, 1 << 16)
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", details).get("description", ""))
        if (
            message.get("method") == "Log.entryAdded"
            and params["entry"]["level"] == "error"
        ):
            self.complaints.append(params["entry"]["text"])
        return message

    def open(self, address: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=address)

    def value(self, script: str) -> Any:
        """Return what a script says."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def wait(self, script: str, patience: float = 20.0) -> None:
        """Wait until a script says yes; a page that is not there yet does not."""
        end = time.monotonic() + patience
        while not self.value(
            f"(() => {{ try {{ return {script}; }} catch {{ return 0; }} }})()"
        ):
            if time.monotonic() > end:
                raise TimeoutError(script)
            time.sleep(0.05)

    def resize(self, width: int, height: int) -> None:
        """Make the window so large."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def picture(self, path: Path) -> None:
        """Save what is to be seen."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

READY = "document.querySelectorAll('#rows tr').length > 0 && !!state"


def text(page: Browser, place: str) -> str:
    """Return the text of the first element of a kind."""
    return str(page.value(f"document.querySelector({place!r}).textContent"))


def test_the_end_of_the_day_is_told_in_words(fed, served):
    client = served(fed)
    with Browser() as page:
        page.open(str(client.base_url))
        page.wait(READY)
        assert text(page, "#label") == "SIMULATED VALUES"
        assert page.value("!document.querySelector('#label').hidden")
        assert text(page, "#asof").startswith("as of 21 June 2026 24:00 UTC")
        first = text(page, "#findings li")
        assert first.startswith("✖ OFF")
        assert "panels OFF 10–15 UTC (5 h)" in first
        assert text(page, "#rows .mark") == "✖ OFF"
        assert page.value("document.querySelectorAll('#rows tr').length") == 7
        page.wait("document.getElementById('linkword').textContent === 'live'")
        assert page.complaints == []


def test_numbers_are_those_of_the_interface(fed, served):
    client = served(fed)
    record = client.get("/api/status").json()
    with Browser() as page:
        page.open(str(client.base_url))
        page.wait(READY)
        told = text(page, "#numbers div:nth-child(2)")
        assert f"{record['pv_day']['measured_kwh']:,.0f} kWh" in told
        assert f"{100 * record['pv_day']['share']:.0f} %" in told
        assert f"{record['now']['heat_power']:,.0f} kW" in text(
            page, "#numbers div:nth-child(4)"
        )


def test_names_are_text_and_never_markup(fed, served):
    client = served(fed)
    with Browser() as page:
        page.open(str(client.base_url))
        page.wait(READY)
        buttons = "[...document.querySelectorAll('#rows button')].map((b) => b.textContent)"
        assert "Tågaborg & <Söder>" in page.value(buttons)


def test_the_page_follows_the_day_without_being_loaded_again(folder, served):
    twin = open_live(folder)
    client = served(folder)
    with Browser() as page, Log(twin.log_path) as log:
        page.open(str(client.base_url))
        page.wait("!document.getElementById('empty').hidden")
        page.wait("document.getElementById('linkword').textContent === 'live'")
        page.value("window.mark = 'the same page'")
        feeding = feed_day(twin, log, make_day(twin, day=date(2026, 6, 21)))
        for _ in range(13):
            next(feeding)
        page.wait("document.querySelector('#asof').textContent.includes('13:00 UTC')")
        assert page.value("document.querySelectorAll('#chart .bar').length") == 13
        assert page.value("document.querySelectorAll('#chart .now').length") == 1
        assert "✖ OFF" in text(page, "#findings li")
        for _ in feeding:
            pass
        page.wait("document.querySelector('#asof').textContent.includes('24:00 UTC')")
        assert page.value("document.querySelectorAll('#chart .bar').length") == 24
        assert page.value("window.mark") == "the same page"
        assert page.complaints == []


def test_a_buildings_day_shows_its_outage(fed, served):
    client = served(fed)
    with Browser() as page:
        page.open(str(client.base_url))
        page.wait(READY)
        page.value("document.querySelector('#findings button').click()")
        page.wait("!document.getElementById('back').hidden")
        page.wait("document.querySelectorAll('#chart .gap').length === 5")
        page.value("document.getElementById('back').click()")
        page.wait("document.getElementById('back').hidden")
        assert "of the district" in text(page, "#curvetitle")


@pytest.mark.parametrize(("width", "dark"), [(400, False), (1280, True), (1920, False)])
def test_the_page_fits_its_window(fed, served, width, dark):
    client = served(fed)
    with Browser(width=width, dark=dark) as page:
        page.open(str(client.base_url))
        page.wait(READY)
        assert page.value("document.documentElement.scrollWidth") <= width
        assert (
            page.value("document.querySelector('#label').getBoundingClientRect().top") >= 0
        )
        paper = page.value("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(16, 24, 29)") is dark


def test_the_page_finds_back_after_a_break(fed, heidi, unused_port):
    words = ("serve", fed, "--port", unused_port)
    server = heidi.start(*words)
    address = server.stdout.readline().split()[2]
    with Browser() as page:
        page.open(address)
        page.wait("document.getElementById('linkword').textContent === 'live'")
        server.kill()
        page.wait("document.getElementById('linkword').textContent === 'reconnecting'")
        with Log(fed / "live.sqlite") as log:
            start = read_time("2026-06-22T00:00Z")
            log.append([Observation("b2/heat/power", start, 1.0, "simulated")])
        server = heidi.start(*words)
        server.stdout.readline()
        page.wait("document.getElementById('linkword').textContent === 'live'", 20)
        page.wait(
            "document.querySelector('#asof').textContent.includes('22 June 2026 01:00')"
        )
