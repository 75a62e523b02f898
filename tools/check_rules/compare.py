"""Puts product and oracle side by side."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from tools.check_rules.cases import Answer, Case
from tools.check_rules.oracle import answer
from tools.check_rules.product import Product


@dataclass(frozen=True, slots=True)
class Difference:
    """One case that product and oracle answer otherwise; an error of the product is one, too."""

    case: Case
    expected: Answer
    found: Answer | Exception

    def __str__(self) -> str:
        if isinstance(self.found, Exception):
            return f"{self.found!r}\n  {self.case}"
        lines = [
            f"  {field.name}: law {getattr(self.expected, field.name)}, "
            f"product {getattr(self.found, field.name)}"
            for field in fields(Answer)
            if getattr(self.expected, field.name) != getattr(self.found, field.name)
        ]
        return "\n".join([str(self.case), *lines])


def differences(product: Product, asked: Iterable[tuple[Case, Answer]]) -> Iterator[Difference]:
    for case, expected in asked:
        found = _found(product, case)
        if found != expected:
            yield Difference(case, expected, found)


def with_answers(cases: Iterable[Case]) -> Iterator[tuple[Case, Answer]]:
    return ((case, answer(case)) for case in cases)


def _found(product: Product, case: Case) -> Answer | Exception:
    """Whatever a broken product raises counts as its answer."""
    try:
        return product.answer(case)
    except Exception as error:  # noqa: BLE001 - a mutant may raise anything
        return error
