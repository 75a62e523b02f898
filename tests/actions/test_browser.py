"""The pages as Chromium lays them out on a small telephone, in each language."""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tools.links.pictures import FLAGS, LANGUAGES, WIDTHS, chromium, shots
from tools.links.stage import Stage, stage_on

from handbell.platform.db import OrganizationId

# Chromium is a package of the system, which the README asks nobody to install; the pages' other
# tests need none. With it (`apt-get install chromium`) these run like all others.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed"),
]
MEASURE = """
<script>
const page = frames[0].document, found = [];
const seen = [...page.querySelectorAll("button, .alone, .choice, textarea, input.year")];
for (const one of seen) {
  const box = one.getBoundingClientRect();
  if (box.height < 24 || box.width < 24) found.push("small: " + one.outerHTML.slice(0, 60));
  if (box.right > WIDTH + 1 || box.left < -1) found.push("outside: " + one.outerHTML.slice(0, 60));
}
const root = page.documentElement;
if (root.scrollWidth > WIDTH) found.push("scrolls sideways: " + root.scrollWidth);
function light(colour) {
  const parts = colour.match(/[0-9.]+/g).slice(0, 3).map(one => one / 255);
  const [r, g, b] = parts.map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
}
function ground(one) {
  for (; one; one = one.parentElement) {
    const colour = frames[0].getComputedStyle(one).backgroundColor;
    if (colour !== "rgba(0, 0, 0, 0)") return colour;
  }
  return "rgb(255, 255, 255)";
}
for (const one of page.querySelectorAll("p, h1, h2, dt, dd, a, button, label, legend, span")) {
  const [a, b] = [frames[0].getComputedStyle(one).color, ground(one)].map(light).sort();
  const ratio = (b + .05) / (a + .05);
  if (ratio < 4.5) found.push("contrast " + ratio.toFixed(2) + ": " + one.outerHTML.slice(0, 60));
}
for (const one of page.querySelectorAll("input, textarea"))
  if (!one.labels.length) found.push("no label: " + one.outerHTML.slice(0, 60));
document.title = "measured";
document.body.innerHTML = "";
document.body.textContent = "FOUND" + JSON.stringify(found) + "END";
</script>
"""


@pytest.fixture
async def stage(owner_url: str) -> AsyncIterator[Stage]:
    async with stage_on(owner_url, key="a key for tests only") as stage:
        yield stage


@pytest.fixture
async def ours(stage: Stage) -> OrganizationId:
    return await stage.practice("Riverside Health")


async def measured(html: str, width: int) -> list[str]:
    """What is too small, outside, too pale or without a label."""
    with tempfile.TemporaryDirectory(prefix="handbell-chromium-") as folder:
        file = Path(folder) / "page.html"
        # The page's own policy is a header; here it only has to be laid out.
        inner = html.replace("&", "&amp;").replace('"', "&quot;")
        file.write_text(
            f'<!DOCTYPE html><body style="margin:0"><iframe srcdoc="{inner}"'
            f' style="border:0;width:{width}px;height:900px"></iframe>'
            f"<script>onload = () => {{}};</script>{MEASURE.replace('WIDTH', str(width))}".replace(
                "<script>\nconst page", "<script>onload = () => {\nconst page"
            ).replace('"END";\n</script>', '"END";\n};</script>'),
            "utf-8",
        )
        process = await asyncio.create_subprocess_exec(
            chromium() or "",
            *FLAGS,
            f"--user-data-dir={folder}/profile",
            "--dump-dom",
            file.as_uri(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate()
    answer = re.search(r"FOUND(.*?)END", out.decode(), re.DOTALL)
    assert answer is not None
    told: list[str] = json.loads(answer[1].replace("&lt;", "<").replace("&gt;", ">"))
    return told


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_fits_a_small_telephone_and_can_be_read_and_touched(
    stage: Stage, ours: OrganizationId, language: str
) -> None:
    flaws = {}
    for shot in await shots(stage, ours, language):
        assert f'<html lang="{language}">' in shot.html
        assert shot.html.count("<h1>") == 1
        if found := await measured(shot.html, min(WIDTHS)):
            flaws[shot.name] = found
    assert flaws == {}


async def test_the_measure_finds_what_is_wrong() -> None:
    html = '<html><body><button style="width:9px;color:#ccc">x</button><input></body></html>'
    found = await measured(html, min(WIDTHS))
    assert [one.partition(":")[0].partition(" ")[0] for one in found] == [
        "small",
        "contrast",
        "no",
    ]
