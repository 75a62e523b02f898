"""One small fault at a time: what a mutant is, and whether a set of cases catches it.

Each mutant lives in a child process of its own, which ends by its exit code.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from typing import Final, NoReturn

SECONDS_AT_MOST: Final = 60
_CAUGHT, _SURVIVED, _RAISED, _SAME = 10, 11, 12, 13
_FORK: Final = multiprocessing.get_context("fork")


class Fate(StrEnum):
    """What became of a mutant. Only `survived` is bad."""

    CAUGHT = "caught"
    RAISED = "caught, it does not even load"
    HUNG = "caught, it never ends"
    SURVIVED = "SURVIVED"
    EQUIVALENT = "no fault"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault. `is_caught` puts it in place, in this process, and asks until one answer differs.

    `no_fault` argues why no question can tell it from the original; such a mutant is not run.
    `same_by` is asked where nothing was caught: what shows that there is no difference at all, or
    nothing.
    """

    name: str
    is_caught: Callable[[], bool]
    no_fault: str = ""
    same_by: Callable[[], str] = str


def run(mutants: Iterable[Mutant], *, jobs: int) -> Iterator[tuple[Mutant, Fate]]:
    """Every mutant with its fate, in the order in which they end."""
    running: dict[int, tuple[Mutant, ForkProcess]] = {}
    for mutant in mutants:
        if mutant.no_fault:
            yield mutant, Fate.EQUIVALENT
            continue
        if len(running) == jobs:
            yield _next_ended(running)
        child = _FORK.Process(target=_live, args=(mutant,))
        child.start()
        running[child.sentinel] = mutant, child
    while running:
        yield _next_ended(running)


def _live(mutant: Mutant) -> NoReturn:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS_AT_MOST)
    try:
        os._exit(_CAUGHT if mutant.is_caught() else _uncaught(mutant))
    except BaseException:  # noqa: BLE001 - a broken module may raise anything
        os._exit(_RAISED)


def _uncaught(mutant: Mutant) -> int:
    """Tells what stands for the mutant, in a line of its own, where something does."""
    if argument := mutant.same_by():
        print(f"  {mutant.name}: {argument}", flush=True)
        return _SAME
    return _SURVIVED


def _next_ended(running: dict[int, tuple[Mutant, ForkProcess]]) -> tuple[Mutant, Fate]:
    ended = next(one for one in wait(list(running)) if isinstance(one, int))
    mutant, child = running.pop(ended)
    child.join()
    fates = {
        _CAUGHT: Fate.CAUGHT,
        _SURVIVED: Fate.SURVIVED,
        _RAISED: Fate.RAISED,
        _SAME: Fate.EQUIVALENT,
    }
    code = child.exitcode or 0
    return mutant, Fate.HUNG if code == -signal.SIGALRM else fates[code]


def survivors(fates: Sequence[tuple[Mutant, Fate]]) -> list[Mutant]:
    return [mutant for mutant, fate in fates if fate is Fate.SURVIVED]
