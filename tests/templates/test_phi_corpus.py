"""The filter against the labelled corpus, of which two fifths were written by other hands."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from handbell.templates.levels import DisclosureLevel
from handbell.templates.phi import LEVEL_OF, PhiReason, classify
from tools import eval_phi

CORPUS = Path(__file__).parent / "phi_corpus"
LINES = eval_phi.read(CORPUS)
CELLS = list(product(("en", "es", "hi"), ("sms", "whatsapp")))


def test_the_corpus_is_large_mixed_and_two_fifths_of_it_by_other_hands() -> None:
    sources = Counter(line.source for line in LINES)
    assert len(LINES) >= 600
    assert len(LINES) - sources["own"] >= len(LINES) * 2 / 5
    assert len({(line.source, line.id) for line in LINES}) == len(LINES)
    for lang, channel in CELLS:
        cell = [line for line in LINES if (line.lang, line.channel) == (lang, channel)]
        harmless = sum(not line.leak for line in cell)
        assert len(cell) >= 100
        assert harmless >= 20


@pytest.mark.requirement("R2.3", "R7.3")
@pytest.mark.parametrize(("lang", "channel"), CELLS)
def test_recall_and_precision_hold_in_each_language_and_channel(lang: str, channel: str) -> None:
    found = eval_phi.scores(eval_phi.judged(LINES))
    (score,) = (
        one for one in found if (one.source, one.lang, one.channel) == ("all", lang, channel)
    )
    assert score.recall is not None
    assert score.precision is not None
    assert score.recall >= 0.99
    assert score.precision >= 0.95


def test_the_misses_in_the_repository_are_those_of_this_filter() -> None:
    kept = (CORPUS / "misses.jsonl").read_text("utf-8").splitlines()
    found = [asdict(miss) for miss in eval_phi.misses(eval_phi.judged(LINES))]
    assert [json.loads(line) for line in kept] == json.loads(json.dumps(found))


def test_every_kind_of_finding_occurs_and_none_is_above_its_level() -> None:
    seen = {reason for _, verdict in eval_phi.judged(LINES) for reason in verdict.reasons}
    assert seen == set(PhiReason)
    for _, verdict in eval_phi.judged(LINES):
        levels = [LEVEL_OF[reason] for reason in verdict.reasons]
        assert verdict.level == max(levels, default=DisclosureLevel.L0)


@pytest.mark.requirement("R2.3")
def test_links_never_count_and_case_does_not_matter() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    link = "https://m.example.org/p/diabetes-mrn-123456"
    assert classify(link, language="en", now=now).reasons == ()
    for line in LINES:
        if line.level is DisclosureLevel.L3 and line.source == "own":
            plain = classify(line.text, language=line.lang, now=now)
            linked = classify(f"{line.text} {link}", language=line.lang, now=now)
            assert plain == linked, line.id
