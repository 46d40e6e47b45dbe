"""Read the records of M-Bus meters: EN 13757-3, as heat meters send them over radio."""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from twin.store.records import Quality

WATER = 1.163
"""Heat that a cubic metre of water takes up for a kelvin [kWh/(m3 K)], near 20 degC:
998 kg/m3 of 4.19 kJ/(kg K)."""

GROSSLY = 3.0
"""Ratio of the power told to that of flow and temperatures beyond which one is wrong; the
meter takes them seconds apart, which a tap of hot water makes 2 at most. Assumed."""

NEGLIGIBLE = 2.0
"""Difference of powers that proves nothing [kW]: flow and temperatures are rounded."""

NEAR = 1.25
"""Ratio within which two powers that differ by a power of ten are the same but for it."""

LONGEST_CHAIN = 10
"""Extensions of a header, by the standard."""

FUNCTIONS = ("", ".max", ".min", ".error")
SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 6, 7: 8, 9: 1, 10: 2, 11: 3, 12: 4, 14: 6}
"""Bytes of the data by the lower half of a DIF."""

REAL, VARIABLE, SPECIAL, NO_DATA, READOUT = 5, 13, 15, 0, 8
FILLER, REST = 0x2F, (0x0F, 0x1F)
EXTENDED = 0x80


class TelegramError(Exception):
    """Bytes that are no chain of records."""


@dataclass(frozen=True, slots=True)
class Record:
    """One value of a telegram.

    Attributes
    ----------
    name : str
        Such as ``energy``; of other storages, tariffs and functions ``energy.storage1``,
        ``power.max``. "" where the header has no name here.
    value : float or None
        In ``unit``; None where the meter sends no digits, by which it says "invalid".
    unit : str
        kWh, MJ, m3, kW, MJ/h, m3/h, kg, kg/h, degC, K, bar, h or "".
    quality : int
        `Quality.DOUBTFUL` for a value of a state of error.
    header : str
        DIF and VIF as hexadecimal digits.
    """

    name: str
    value: float | None
    unit: str
    quality: int
    header: str


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a VIF says: the value is the number times ten to the exponent."""

    name: str
    unit: str
    exponent: int


def read_records(data: bytes) -> list[Record]:
    """Return the records of a telegram without its link layer.

    Raises
    ------
    TelegramError
        If the bytes end within a record or a header goes on without end.

    Notes
    -----
    Integers and binary-coded digits are little-endian; an F in front of the digits is a
    minus sign. Checked against the example of a Kamstrup meter in
    tests/twin/ingest/payloads/test_mbus.py.

    Examples
    --------
    >>> read_records(bytes.fromhex("0B3B230100"))[0].value
    0.123
    """
    records = []
    place = 0
    while place < len(data):
        if data[place] == FILLER:
            place += 1
            continue
        if data[place] in REST:
            # What follows is the maker's own.
            break
        record, place = _record(data, place)
        records.append(record)
    return records


def check_balance(records: list[Record]) -> tuple[str, int]:
    """Compare the power a heat meter tells with that of its flow and temperatures.

    Returns
    -------
    str
        What is wrong, in words, "" if nothing is.
    int
        Flags for power and flow: `Quality.DOUBTFUL`, with `Quality.UNIT` if they differ
        by a power of ten.
    """
    told = {record.name: record for record in records}
    names = ("power", "flow", "forward_temperature", "return_temperature")
    values = [told[name].value for name in names if name in told]
    units = [told[name].unit for name in names[:1] if name in told]
    if len(values) < len(names) or None in values or units != ["kW"]:
        return "", 0
    power, flow, forward, back = (value for value in values if value is not None)
    expected = WATER * flow * (forward - back)
    if abs(power - expected) <= NEGLIGIBLE:
        return "", 0
    larger, smaller = max(abs(power), abs(expected)), min(abs(power), abs(expected))
    if power * expected > 0 and larger <= GROSSLY * smaller:
        return "", 0
    words = (
        f"power must be near 1.163 x flow x (forward - return), got {power:g} kW and "
        f"{expected:.3g} kW"
    )
    if power * expected > 0:
        decades = math.log10(larger / smaller)
        if abs(decades - round(decades)) < math.log10(NEAR):
            words += f"; they differ by 10**{round(decades)}, as wrong units do"
            return words, Quality.DOUBTFUL | Quality.UNIT
    return words, Quality.DOUBTFUL.value


def _record(data: bytes, place: int) -> tuple[Record, int]:
    """Return the record that starts at a place, and the place after it."""
    start = place
    dif = data[place]
    storage, tariff, unit_number = (dif >> 6) & 1, 0, 0
    place += 1
    for step, extension in enumerate(_chain(data, place, first=dif)):
        storage |= (extension & 15) << (1 + 4 * step)
        tariff |= ((extension >> 4) & 3) << (2 * step)
        unit_number |= ((extension >> 6) & 1) << step
        place += 1
    if place >= len(data):
        raise TelegramError(_short_of(start, len(data)))
    vif = data[place]
    place += 1
    further = list(_chain(data, place, first=vif))
    place += len(further)
    text_vif = vif & 0x7F == 0x7C
    if text_vif:
        # A unit in plain text: its length, then its letters.
        if place >= len(data):
            raise TelegramError(_short_of(start, len(data)))
        place += 1 + data[place]
    header = data[start:place].hex()
    size, place = _size(data, place, dif & 15, start)
    raw = data[place : place + size]
    if len(raw) < size:
        raise TelegramError(_short_of(start, len(data)))
    meaning = None if text_vif else _meaning(vif, further)
    name = meaning.name if meaning else ""
    if name:
        name += f".storage{storage}" if storage else ""
        name += f".tariff{tariff}" if tariff else ""
        name += f".unit{unit_number}" if unit_number else ""
    function = (dif >> 4) & 3
    quality = Quality.DOUBTFUL.value if FUNCTIONS[function] == ".error" else 0
    if name and not quality:
        # A value of a state of error is still the value, and flagged.
        name += FUNCTIONS[function]
    value = None
    if meaning and dif & 15 != VARIABLE:
        number = _number(raw, dif & 15)
        value = None if number is None else _scaled(number, meaning.exponent)
    unit = meaning.unit if meaning else ""
    return Record(name, value, unit, quality, header), place + size


def _chain(data: bytes, place: int, *, first: int) -> Iterator[int]:
    """Yield the bytes that extend a header."""
    before = first
    for step in range(LONGEST_CHAIN + 1):
        if not before & EXTENDED:
            return
        if place + step >= len(data):
            raise TelegramError(_short_of(place, len(data)))
        if step == LONGEST_CHAIN:
            break
        before = data[place + step]
        yield before
    message = f"a header must have at most {LONGEST_CHAIN} extensions, got more"
    raise TelegramError(message)


def _size(data: bytes, place: int, kind: int, start: int) -> tuple[int, int]:
    """Return the number of data bytes and where they start."""
    if kind in SIZES:
        return SIZES[kind], place
    if kind != VARIABLE:
        message = f"a record must have data of a known kind, got DIF {data[start]:02X}"
        raise TelegramError(message)
    if place >= len(data):
        raise TelegramError(_short_of(start, len(data)))
    length = data[place]
    if length <= 0xBF:
        return length, place + 1
    if length <= 0xEF:
        return length & 15, place + 1
    message = f"data of free length must be at most 191 bytes, got code {length:02X}"
    raise TelegramError(message)


def _number(raw: bytes, kind: int) -> float | None:
    """Return data as number, None if they are no number."""
    if kind == REAL:
        value: float = struct.unpack("<f", raw)[0]
        return value if math.isfinite(value) else None
    if kind in (NO_DATA, READOUT):
        return None
    if kind < READOUT:
        return int.from_bytes(raw, "little", signed=True)
    digits = raw[::-1].hex()
    negative = digits.startswith("f")
    digits = digits[1:] if negative else digits
    if not (digits.isascii() and digits.isdigit()):
        return None
    return -int(digits) if negative else int(digits)


def _scaled(number: float, exponent: int) -> float:
    """Return a number times a power of ten, rounded once."""
    return number * 10.0**exponent if exponent >= 0 else number / 10.0**-exponent


def _meaning(vif: int, further: list[int]) -> _Meaning | None:
    """Return what a VIF and its extensions say, None if it has no name here."""
    code = vif & 0x7F
    if code == 0x7D and vif & EXTENDED:
        found = _second_table(further)
        further = further[1:]
    elif code == 0x7B and vif & EXTENDED:
        found = _first_table(further)
        further = further[1:]
    else:
        found = _main_table(code)
    if found is None:
        return None
    name, unit, exponent = found.name, found.unit, found.exponent
    for extension in further:
        low = extension & 0x7F
        if 0x70 <= low <= 0x77:
            exponent += (low & 7) - 6
        elif low == 0x7D:
            exponent += 3
        else:
            # Forward or backward flow only, at limits, ... : another thing by its digits.
            name += f".vife{low:02x}"
    return _Meaning(name, unit, exponent)


_MAIN = (
    # First code, last code, name, unit, exponent of the first [unit].
    (0x00, 0x07, "energy", "kWh", -6),
    (0x08, 0x0F, "energy", "MJ", -6),
    (0x10, 0x17, "volume", "m3", -6),
    (0x18, 0x1F, "mass", "kg", -3),
    (0x28, 0x2F, "power", "kW", -6),
    (0x30, 0x37, "power", "MJ/h", -6),
    (0x38, 0x3F, "flow", "m3/h", -6),
    (0x50, 0x57, "mass_flow", "kg/h", -3),
    (0x58, 0x5B, "forward_temperature", "degC", -3),
    (0x5C, 0x5F, "return_temperature", "degC", -3),
    (0x60, 0x63, "temperature_difference", "K", -3),
    (0x64, 0x67, "outside_temperature", "degC", -3),
    (0x68, 0x6B, "pressure", "bar", -3),
    (0x78, 0x78, "meter_id", "", 0),
)
"""Primary VIF codes: EN 13757-3, table 8; powers of ten count up within a row."""


def _main_table(code: int) -> _Meaning | None:
    """Return the meaning of a primary VIF."""
    for first, last, name, unit, exponent in _MAIN:
        if first <= code <= last:
            return _Meaning(name, unit, exponent + code - first)
    return None


def _first_table(further: list[int]) -> _Meaning | None:
    """Return the meaning of what follows FB: large energies and powers."""
    code = further[0] & 0x7F
    if code in (0x00, 0x01):
        return _Meaning("energy", "kWh", 2 + code)
    if code in (0x08, 0x09):
        return _Meaning("energy", "MJ", 2 + code - 0x08)
    if code in (0x28, 0x29):
        return _Meaning("power", "kW", 2 + code - 0x28)
    return None


def _second_table(further: list[int]) -> _Meaning | None:
    """Return the meaning of what follows FD."""
    return _Meaning("error_flags", "", 0) if further[0] & 0x7F == 0x17 else None


def _short_of(start: int, length: int) -> str:
    """Say that bytes are missing."""
    return f"a record must be whole, got one cut off at byte {length}, begun at {start}"
