"""The table of requirements cannot claim what the tests and the tree do not show."""

from pathlib import Path

import pytest

from tools import requirement_table as table

ONE = ("R1.5",)
MARKED = 'import pytest\n\n@pytest.mark.requirement("R1.5")\ndef test_it() -> None: ...\n'
ROW = "| R1.5 | Quiet hours | built | `src/quiet.py` | `tests/test_quiet.py` |"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("docs", "src", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src/quiet.py").write_text("")
    (tmp_path / "tests/test_quiet.py").write_text(MARKED)
    (tmp_path / "docs/requirements.md").write_text(f"# Table\n\n{ROW}\n")
    return tmp_path


def faults(project: Path, rows: str | None = None) -> list[str]:
    if rows is not None:
        (project / "docs/requirements.md").write_text(rows + "\n")
    return list(table.check(project, expected=ONE))


def test_a_true_row_passes(project: Path) -> None:
    assert faults(project) == []


def test_a_test_that_names_an_unknown_number_fails(project: Path) -> None:
    (project / "tests/test_more.py").write_text(MARKED.replace("R1.5", "R1.99"))
    assert faults(project) == ["tests/test_more.py names R1.99, which the table lacks"]


def test_a_number_of_the_product_that_the_table_lacks_fails(project: Path) -> None:
    (project / "tests/test_quiet.py").write_text("")
    assert faults(project, "# Table") == ["R1.5 is missing from the table"]


def test_a_number_that_stands_twice_fails(project: Path) -> None:
    assert faults(project, f"{ROW}\n{ROW}") == ["R1.5 stands in the table twice"]


@pytest.mark.parametrize("gone", ["src/quiet.py", "tests/test_quiet.py"])
def test_a_built_row_that_names_a_missing_file_fails(project: Path, gone: str) -> None:
    (project / gone).unlink()
    assert f"R1.5 names {gone}, which does not exist" in faults(project)


def test_a_built_row_whose_test_does_not_name_it_fails(project: Path) -> None:
    (project / "tests/test_quiet.py").write_text("def test_it() -> None: ...\n")
    assert faults(project) == ["R1.5 names tests/test_quiet.py, where no test is marked with it"]


@pytest.mark.parametrize("state", ["built", "in part"])
def test_a_claim_without_a_test_fails(project: Path, state: str) -> None:
    bare = f"| R1.5 | Quiet hours | {state} | `src/quiet.py` |  |"
    assert faults(project, bare) == [f"R1.5 is {state} but names no code or no test"]


def test_what_is_not_built_needs_no_test(project: Path) -> None:
    assert faults(project, "| R1.5 | Quiet hours | not yet |  |  |") == []


def test_an_invented_state_fails(project: Path) -> None:
    assert faults(project, ROW.replace("built", "nearly")) == ["R1.5 has no known state: 'nearly'"]


def test_the_list_of_numbers_is_complete() -> None:
    assert len(table.NUMBERS) == 89
    assert {"R1.1", "R4.10", "R6.11", "R7.12", "R11.7"} <= set(table.NUMBERS)
