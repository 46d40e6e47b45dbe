"""Telegrams of heat meters give the digits that the meter shows."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.ingest.payloads.mbus import TelegramError, check_balance, read_records
from twin.store.records import Quality

KAMSTRUP = bytes.fromhex(
    "0C06526761020C14978999000B2D0000000B3B0000000A5A33060A5E41050C782911036602FD170000"
)
"""Records of the published example of an Elvaco CMi4110 in a Kamstrup MULTICAL."""


def bcd(number: int, size: int) -> bytes:
    """Return decimal digits, two to a byte, the last first; F in front is a minus."""
    digits = f"{abs(number):0{2 * size}d}"
    if number < 0:
        digits = "F" + digits[1:]
    return bytes.fromhex(digits)[::-1]


def test_the_published_example_reads_as_the_meter_shows():
    told = {record.name: (record.value, record.unit) for record in read_records(KAMSTRUP)}
    assert told == {
        "energy": (2_616_752.0, "kWh"),
        "volume": (9_989.97, "m3"),
        "power": (0.0, "kW"),
        "flow": (0.0, "m3/h"),
        "forward_temperature": (63.3, "degC"),
        "return_temperature": (54.1, "degC"),
        "meter_id": (66_031_129.0, ""),
        "error_flags": (0.0, ""),
    }


@pytest.mark.parametrize(
    ("record", "name", "value", "unit"),
    [
        # The decoder in common use reads these digits in base 16 and gets 0.291 m3/h.
        pytest.param("0B3B230100", "flow", 0.123, "m3/h", id="flow is decimal"),
        # It tests for "flow" where it means "flow or power" and loses this minus sign.
        pytest.param("0B2D1500F0", "power", -1.5, "kW", id="power may be negative"),
        pytest.param("0C07526761F2", "energy", -26_167_520.0, "kWh", id="10 kWh"),
        pytest.param("0C0E01000000", "energy", 1.0, "MJ", id="MJ"),
        pytest.param("0CFB0025000000", "energy", 2_500.0, "kWh", id="0.1 MWh"),
        pytest.param("0CFB0825000000", "energy", 2_500.0, "MJ", id="0.1 GJ"),
        pytest.param("04069CFFFFFF", "energy", -100.0, "kWh", id="binary, negative"),
        pytest.param("42062A00", "energy.storage1", 42.0, "kWh", id="last month's"),
        pytest.param("82205A2A00", "forward_temperature.tariff2", 4.2, "degC", id="tariff"),
        pytest.param("1B2D150000", "power.max", 1.5, "kW", id="maximum"),
        pytest.param("02FD170300", "error_flags", 3.0, "", id="errors"),
        pytest.param("02863B2A00", "energy.vife3b", 42.0, "kWh", id="forward flow only"),
        pytest.param("0286742A00", "energy", 0.42, "kWh", id="scaled"),
    ],
)
def test_each_kind_of_record_reads_by_the_standard(record, name, value, unit):
    (read,) = read_records(bytes.fromhex(record))
    assert (read.name, read.unit) == (name, unit)
    assert read.value == pytest.approx(value, rel=1e-12)


@given(st.integers(-9_999_999, 99_999_999))
def test_digits_come_back(number):
    (record,) = read_records(bytes.fromhex("0C06") + bcd(number, 4))
    assert record.value == number


@given(st.floats(width=32))
def test_real_numbers_come_back_if_they_are_numbers(number):
    (record,) = read_records(bytes.fromhex("055A") + struct.pack("<f", number))
    if math.isfinite(number):
        assert record.value == pytest.approx(number / 10)
    else:
        assert record.value is None


def test_a_value_of_a_state_of_error_is_flagged():
    (record,) = read_records(bytes.fromhex("3B3B230100"))
    assert (record.name, record.value) == ("flow", 0.123)
    assert record.quality == Quality.DOUBTFUL


def test_digits_that_are_none_are_no_value():
    (record,) = read_records(bytes.fromhex("0B3BEEEEEE"))
    assert record.value is None


def test_fillers_texts_and_what_has_no_name_do_not_shift_what_follows():
    filler, text, unknown, maker = "2F2F", "0D7803414243", "026CA12B", "0FDEADBEEF"
    records = read_records(bytes.fromhex(f"{filler}{text}{unknown}0B3B230100{maker}"))
    assert [(record.name, record.value) for record in records] == [
        ("meter_id", None),
        ("", None),
        ("flow", 0.123),
    ]


@given(st.integers(1, len(KAMSTRUP) - 1))
def test_a_telegram_that_is_cut_off_is_refused_or_a_beginning(length):
    whole = read_records(KAMSTRUP)
    try:
        cut = read_records(KAMSTRUP[:length])
    except TelegramError:
        return
    assert cut == whole[: len(cut)]


@given(st.binary(max_size=300))
def test_any_bytes_give_records_or_a_refusal(data):
    try:
        records = read_records(data)
    except TelegramError:
        return
    assert len(records) <= len(data)
    check_balance(records)


@given(st.binary(min_size=11, max_size=40).map(lambda data: bytes(b | 128 for b in data)))
def test_headers_without_end_are_refused(data):
    if data[0] in (0x8F, 0x9F):  # not among these: all have the extension bit
        return
    with pytest.raises(TelegramError):
        read_records(data)


def balanced(power: float, flow: float, forward: float, back: float) -> bytes:
    """Return the four records of a heat balance [kW, m3/h, degC, degC]."""
    return b"".join(
        bytes.fromhex(header) + bcd(round(value * scale), size)
        for header, value, scale, size in (
            ("0B2D", power, 10, 3),
            ("0B3B", flow, 1000, 3),
            ("0A5A", forward, 10, 2),
            ("0A5E", back, 10, 2),
        )
    )


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        # 1.163 kWh/(m3 K) x 2 m3/h x 40 K = 93 kW
        pytest.param((93.0, 2.0, 80, 40), 0, id="in balance"),
        pytest.param((150.0, 2.0, 80, 40), 0, id="taken seconds apart"),
        pytest.param((0.0, 0.01, 63.3, 54.1), 0, id="next to nothing"),
        pytest.param((9.3, 2.0, 80, 40), Quality.DOUBTFUL | Quality.UNIT, id="tenth"),
        pytest.param((500.0, 2.0, 80, 40), Quality.DOUBTFUL, id="five times"),
        pytest.param((-93.0, 2.0, 80, 40), Quality.DOUBTFUL, id="wrong sign"),
        pytest.param((-93.0, 2.0, 40, 80), 0, id="heat given back"),
    ],
)
def test_power_is_held_against_flow_and_temperatures(values, flags):
    words, found = check_balance(read_records(balanced(*values)))
    assert found == flags
    assert bool(words) == bool(flags)


def test_a_flow_read_in_base_16_would_show():
    # 1234 L/h taken as 0x1234 = 4660: heat of 1.163 x 1.234 x 40 = 57.4 kW is told.
    wrong = read_records(balanced(57.4, 4.660, 80, 40))
    words, flags = check_balance(wrong)
    assert flags == Quality.DOUBTFUL
    assert "got 57.4 kW and 217 kW" in words
