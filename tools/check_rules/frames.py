"""Sentences around a word of the reply rules, of every kind that the parser tells apart."""

from collections.abc import Iterator
from itertools import product
from typing import Final

ALONE: Final = ("{}", "{}.", "{}!", "{}?", "{} {}", "{} 👍", "👍 {}", "{} 🛑", "{}: ")
POLITE: Final = (
    "please {}", "{} please", "{} thanks", "thank you, {}", "hi {}", "{} now", "ok {}",
    "por favor {}", "{} gracias", "ya {}", "कृपया {}", "{} जी", "{} ji", "{} doctor", "hola {} ya",
)  # fmt: skip
OTHERS: Final = (
    "I am at work today", "wrong number", "chest pain", "my mother passed away", "who is this",
    "I can't make it", "need to move", "yes", "si", "हाँ", "haan", "1", "stop", "no", "no thanks",
    "please cancel", "help", "start", "thanks", "don't stop", "maybe", "no puedo ir", "not me",
    "stop taking metformin", "reminders", "the promotions", "my appointment", "tomorrow at 3",
    "for your reminder", "but later", "unless it rains", "until Monday", "ok", "if I can",
)  # fmt: skip
"""What else the text may say: each wish, what hedges one, and what is none."""
TOGETHER: Final = (
    "{0}. {1}.", "{1}. {0}.", "{0}, {1}", "{1}, {0}", "{0} {1}", "{1} {0}", "{0} - {1}",
    "{0}\n{1}", "{1}? {0}", "{0} and {1}", "{0}. {1}?",
)  # fmt: skip


def frames(word: str) -> Iterator[str]:
    for frame in (*ALONE, *POLITE):
        yield frame.format(word, word)
    for frame, other in product(TOGETHER, OTHERS):
        yield frame.format(word, other)
    for polite, other in product(POLITE, OTHERS):
        yield f"{polite.format(word)}. {other}."
