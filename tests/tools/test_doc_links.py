"""A reader who follows a link arrives, and every page can be reached."""

from pathlib import Path

import pytest

from tools import doc_links


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs/how-to").mkdir(parents=True)
    (tmp_path / "README.md").write_text("[docs](docs/README.md) [site](https://example.org/x)\n")
    (tmp_path / "docs/README.md").write_text("[keys](how-to/keys.md#make-one)\n")
    (tmp_path / "docs/how-to/keys.md").write_text("[up](../README.md)\n")
    return tmp_path


def test_links_that_arrive_pass(project: Path) -> None:
    assert list(doc_links.check(project)) == []


def test_a_link_to_a_missing_page_fails(project: Path) -> None:
    (project / "docs/how-to/keys.md").write_text("[gone](gone.md)\n")
    assert list(doc_links.check(project)) == ["docs/how-to/keys.md: gone.md leads nowhere"]


def test_a_page_that_no_page_links_to_fails(project: Path) -> None:
    (project / "docs/how-to/lost.md").write_text("# Lost\n")
    assert list(doc_links.check(project)) == ["docs/how-to/lost.md: no page links here"]
