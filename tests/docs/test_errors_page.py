"""The page of errors names every code that an error of ours can have."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/errors.md"


def codes_in(source: str) -> Iterator[str]:
    """The value of each `code = "…"` in the body of a class."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ClassDef):
            continue
        for line in node.body:
            if (
                isinstance(line, ast.Assign)
                and [ast.unparse(target) for target in line.targets] == ["code"]
                and isinstance(line.value, ast.Constant)
            ):
                yield str(line.value.value)


def test_every_code_of_an_error_stands_in_the_page() -> None:
    codes = {
        code
        for file in (ROOT / "src/handbell").rglob("*.py")
        for code in codes_in(file.read_text())
    }
    page = PAGE.read_text()
    assert len(codes) > 40
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []
