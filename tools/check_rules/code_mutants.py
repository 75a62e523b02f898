"""Faults in the code: operators, numbers and their like in the policies, one at a time."""

import ast
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final

from tools.check_rules.equivalents import NO_FAULT
from tools.check_rules.mutants import Mutant
from tools.check_rules.product import MODULES, Product

Judge = Callable[[Product], bool]

_COMPARISONS: Final[dict[type[ast.cmpop], ast.cmpop]] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}
_CALLS: Final = {"max": "min", "min": "max", "any": "all"}
_PARTS: Final = {
    "handbell.scheduling.tz": frozenset({"instant_of", "change_on", "_change_between"}),
    "handbell.scheduling.rules": frozenset({"Row", "row_in_force", "_to_rows", "_to_cap"}),
    "handbell.scheduling.caps.policy": frozenset({"legal_caps", "_rows"}),
    "handbell.scheduling.holiday_calendar": frozenset({"holidays_of"}),
    "handbell.scheduling.zones": frozenset(
        {"candidate_zones", "_known_state", "_zones_of", "_of_zip", "_of_phone", "_zones_abroad"}
    ),
    "handbell.messages.policy": frozenset(
        {"DAY", "WEEK", "AFTER_THE_BOUND", "UNCAPPED", "decide", "window_of", "timing_of",
         "cap_lifts", "_lifts", "_day_lifts", "_law_lifts", "_legal_lift", "_on_day_of",
         "_earliest", "_held", "_within_caps", "_planned", "_is_as_wished", "_closed"}
    ),
}  # fmt: skip
"""The parts of these modules that decide on hours; `windows` and `policy` count whole."""
_WHOLE: Final = (
    "handbell.scheduling.windows",
    "handbell.scheduling.policy",
    "handbell.scheduling.blackouts.policy",
)


def code_mutants(judge: Judge) -> Iterator[Mutant]:
    for module in MODULES:
        if module in _WHOLE or module in _PARTS:
            yield from _mutants_of(module, judge)


def _mutants_of(module: str, judge: Judge) -> Iterator[Mutant]:
    tree = ast.parse(_source(module))
    seen: dict[str, int] = {}
    for n, part in enumerate(tree.body):
        label = _label(part)
        if label is None or (module in _PARTS and label not in _PARTS[module]):
            continue
        for what, mutated in _mutations(part):
            name = f"{module.removeprefix('handbell.')}.{label}: {what}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name = f"{name} ({seen[name]})"
            body = [*tree.body[:n], mutated, *tree.body[n + 1 :]]
            yield _mutant(name, module, ast.Module(body=body, type_ignores=[]), judge)


def _source(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return Path(spec.origin).read_text(encoding="utf-8")


def _label(part: ast.stmt) -> str | None:
    match part:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return None


def _mutations(part: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """Copies of the statement with one fault each. Decorators and annotations stay."""
    nodes = [(n, node) for n, node in enumerate(ast.walk(part)) if n not in _spared(part)]
    for n, node in nodes:
        for m, fault in enumerate(_faults(node)):
            copy = deepcopy(part)
            broken = list(ast.walk(copy))[n]
            what = f"{ast.unparse(node)} → "
            list(_faults(broken))[m]()
            yield what + ast.unparse(broken), copy
            del fault


def _spared(part: ast.stmt) -> set[int]:
    """The places, in the order of `ast.walk`, of decorators and annotations."""
    spared: set[int] = set()
    for node in ast.walk(part):
        inside = [*getattr(node, "decorator_list", []), getattr(node, "annotation", None)]
        inside.append(getattr(node, "returns", None))
        for one in inside:
            spared |= {id(each) for each in ast.walk(one)} if one is not None else set()
    return {n for n, node in enumerate(ast.walk(part)) if id(node) in spared}


def _faults(node: ast.AST) -> Iterator[Callable[[], None]]:  # noqa: C901 - one case a kind of node
    """What can be done to a node, each changing it in place."""
    match node:
        case ast.Compare(ops=ops):
            for n, op in enumerate(ops):
                yield partial(ops.__setitem__, n, _COMPARISONS[type(op)])
        case ast.BoolOp(op=op):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield lambda: setattr(node, "op", other)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield lambda: setattr(node, "operand", ast.UnaryOp(op=ast.Not(), operand=operand))
        case ast.BinOp(op=ast.Add()):
            yield lambda: setattr(node, "op", ast.Sub())
        case ast.BinOp(op=ast.Sub()):
            yield lambda: setattr(node, "op", ast.Add())
        case ast.Call(func=ast.Name(id=called) as func) if called in _CALLS:
            yield lambda: setattr(func, "id", _CALLS[called])
        case ast.Constant(value=bool() as value):
            yield lambda: setattr(node, "value", not value)
        case ast.Constant(value=int() as value):
            yield lambda: setattr(node, "value", value + 1)
            if value > 0:
                yield lambda: setattr(node, "value", value - 1)


def _mutant(name: str, module: str, tree: ast.Module, judge: Judge) -> Mutant:
    def is_caught() -> bool:
        code = compile(ast.fix_missing_locations(tree), f"<mutant of {module}>", "exec")
        _import_anew(module, lambda namespace: exec(code, namespace))  # noqa: S102 - our own code
        return judge(Product())

    return Mutant(f"code {name}", is_caught, no_fault=NO_FAULT.get(name, ""))


def _import_anew(module: str, run: Callable[[dict[str, object]], None]) -> None:
    """Import the modules under test once more, with other code for one of them."""
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _OneModule(module, run))
    for name in MODULES:
        import_module(name)


class _OneModule(MetaPathFinder, Loader):
    """Gives one module other code."""

    def __init__(self, name: str, run: Callable[[dict[str, object]], None]) -> None:
        self.name, self.run = name, run

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        del path, target
        return ModuleSpec(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        self.run(module.__dict__)
