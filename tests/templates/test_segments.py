import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.templates.segments import Encoding, size_of

ADVISORY = "mode 3"


@pytest.mark.shared_data
@pytest.mark.requirement("R2.5")
def test_the_reference_texts_measure_as_twilio_measures_them(shared_dir: Path) -> None:
    fixture = shared_dir / "reference/providers/fixtures/sms_segments.json"
    cases = json.loads(fixture.read_text("utf-8"))["cases"]
    wrong = [
        case["name"]
        for case in cases
        if (case["encoding"], case["units"], case["segments"]) != _measured(case["text"])
    ]
    assert len(cases) == 340
    assert [name for name in wrong if ADVISORY not in name] == []
    assert len(wrong) <= 10


def _measured(text: str) -> tuple[str, int, int]:
    size = size_of(text)
    return size.encoding, size.units, size.segments


def test_an_escape_pair_is_never_split() -> None:
    assert size_of("a" * 152 + "€" + "a" * 152).segments == 3


def test_one_typographic_apostrophe_makes_it_sixteen_bit() -> None:
    assert size_of("a" * 160).segments == 1
    assert size_of("a" * 159 + "\u2019").encoding is Encoding.UCS_2
    assert size_of("a" * 159 + "\u2019").segments == 3


@given(st.text(alphabet="abc ñé", max_size=800))
def test_plain_letters_fill_segments_to_the_brim(text: str) -> None:
    expected = 1 if len(text) <= 160 else -(-len(text) // 153)
    assert size_of(text).segments == expected
