"""Captions say the same in both languages, and say it properly."""

from dataclasses import fields

import pandas as pd
import pytest

from meshes.render.catalogue import Language, Style, View
from meshes.render.sunlight import sun_at
from meshes.render.words import (
    ENGLISH,
    MINUS,
    NARROW_SPACE,
    SWEDISH,
    WORDS,
    capital,
    clock_words,
    day_words,
    moment_words,
    number_words,
    sun_words,
)

PLACE = {"latitude": 56.04, "longitude": 12.69}


def sun(text):
    return sun_at(pd.Timestamp(text), **PLACE)


def texts(words):
    """All phrases of a language, by where they stand."""
    found = {}
    for field in fields(words):
        value = getattr(words, field.name)
        if isinstance(value, str):
            found[field.name] = value
        elif isinstance(value, tuple):
            found |= {f"{field.name}.{k}": text for k, text in enumerate(value)}
        elif field.name not in ("names", "clocks"):
            found |= {f"{field.name}.{key}": text for key, text in value.items()}
    return found


def test_every_language_has_words():
    assert set(WORDS) == set(Language)


@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
def test_captions_are_complete(words):
    assert len(words.months) == 12
    assert len(set(words.compass)) == 16
    assert len(words.turning_points) == 4
    assert set(words.views) == set(View)
    assert set(words.topics) == set(words.film_topics) == set(Style)
    assert all(text.strip() for place, text in texts(words).items() if place != "thousands")


def test_both_languages_fill_in_the_same():
    swedish, english = texts(SWEDISH), texts(ENGLISH)
    assert swedish.keys() == english.keys()
    for place, text in english.items():
        holes = {part.split("}")[0] for part in text.split("{")[1:]}
        assert holes == {part.split("}")[0] for part in swedish[place].split("{")[1:]}, (
            place
        )


def test_swedish_is_not_english():
    english = texts(ENGLISH)
    same = {
        place
        for place, text in texts(SWEDISH).items()
        if text.casefold() == english[place].casefold()
    }
    # Names, letters and words that both languages spell alike.
    alike = {"views.oceanpiren", "views.campus", "credit", "compass_letters.0"}
    alike |= {"compass_letters.2", "months.3", "months.8", "months.10", "months.11"}
    assert same == alike


@pytest.mark.parametrize(
    ("instant", "english", "swedish"),
    [
        pytest.param(
            "2026-01-05T14:30Z",
            "5 January 2026, 15:30 CET (UTC+1)",
            "5 januari 2026 kl. 15.30 normaltid (UTC+1)",
            id="winter time",
        ),
        pytest.param(
            "2026-07-05T14:30Z",
            "5 July 2026, 16:30 CEST (UTC+2)",
            "5 juli 2026 kl. 16.30 sommartid (UTC+2)",
            id="summer time",
        ),
    ],
)
def test_captions_give_local_time_and_its_offset(instant, english, swedish):
    when = sun(instant).when
    assert moment_words(when, ENGLISH) == english
    assert moment_words(when, SWEDISH) == swedish


def test_months_come_from_a_table_and_not_from_the_machine():
    for month in range(1, 13):
        when = pd.Timestamp(2026, month, 9, tz="Europe/Stockholm")
        assert day_words(when, SWEDISH) == f"9 {SWEDISH.months[month - 1]} 2026"


@pytest.mark.parametrize(
    ("hour", "side"), [("13:11", "söder"), ("19:30", "västnordväst"), ("08:30", "öster")]
)
def test_the_side_of_the_sun_is_named(hour, side):
    # Midsummer: due south at 13:11, due east at half past eight.
    told = sun_words(sun(f"2026-06-21T{hour}+02:00"), SWEDISH)
    assert told.endswith(f" i {side}")


def test_night_is_said():
    night = sun("2026-01-05T23:00+01:00")
    assert sun_words(night, ENGLISH) == "sun below the horizon"
    assert sun_words(night, SWEDISH) == "solen står under horisonten"


def test_numbers_follow_the_language():
    assert number_words(1200.0, ENGLISH) == "1,200"
    assert number_words(1200.0, SWEDISH) == f"1{NARROW_SPACE}200"
    assert number_words(-3.0, SWEDISH) == f"{MINUS}3"
    assert clock_words(sun("2026-07-05T02:05Z").when, SWEDISH) == "04.05"
    assert capital("åska") == "Åska"
