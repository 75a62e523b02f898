"""Files into resources, one at a time. Nothing here raises: what cannot be read is an item.

The content decides what a file is, not its name: a line that is JSON by itself makes NDJSON,
else the whole file is one document. Of a bundle that breaks off, the whole entries are kept.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson

from handbell.integrations.fhir.errors import NothingToImport, PathNotFound
from handbell.integrations.fhir.types import Found, Place, Reason, Target, Unreadable

Item = Found | Unreadable
Line = tuple[int, bytes]

SUFFIXES: Final = (".json", ".ndjson", ".jsonl")
LINE_SUFFIXES: Final = (".ndjson", ".jsonl")
PRETTY_STARTS: Final = (b"{", b"[")
GZIP_MAGIC: Final = b"\x1f\x8b"
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
CHUNK_BYTES: Final = 1 << 18
ID_LENGTH: Final = 255
BROKEN: Final = (EOFError, zlib.error, OSError)

TYPE_NAME: Final = re.compile(r"[A-Z][A-Za-z]{1,63}")
ENTRIES: Final = re.compile(r'"entry"\s*:\s*\[')
LOCATOR: Final = re.compile(r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[^/?#\s]{1,255})")


def find_files(path: Path) -> list[Path]:
    """The file, or every file below the folder that may be FHIR, in the order of names.

    Raises `PathNotFound` and `NothingToImport`.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise PathNotFound("There is no such file or folder.")
    found = sorted(one for one in path.rglob("*") if _may_be_fhir(one))
    if not found:
        raise NothingToImport("The folder holds no .json or .ndjson file, packed or not.")
    return found


def _may_be_fhir(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(SUFFIXES) and not name.startswith(".") and path.is_file()


def read(path: Path, *, name: str) -> Iterator[Item]:
    """Everything that the file holds; `name` is what a report calls it."""
    whole = Place(file=name, line=None)
    try:
        yield from _items(path, whole)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        yield Unreadable(place=whole, reason=Reason.BROKEN_GZIP)
    except OSError:
        yield Unreadable(place=whole, reason=Reason.UNREADABLE_FILE)


def _items(path: Path, whole: Place) -> Iterator[Item]:
    lines = _lines(path)
    first = next(lines, None)
    if first is None:
        yield Unreadable(place=whole, reason=Reason.EMPTY_FILE)
    elif _is_by_lines(path, first[1]):
        for number, line in chain([first], lines):
            yield from _parse(line, replace(whole, line=number))
    else:
        yield from _document(first, lines, whole)


def _is_by_lines(path: Path, first: bytes) -> bool:
    if isinstance(_json(first), dict):
        return True
    named_so = path.name.lower().removesuffix(".gz").endswith(LINE_SUFFIXES)
    return named_so and first.strip() not in PRETTY_STARTS


def _lines(path: Path) -> Iterator[Line]:
    """The lines that are not blank, numbered from 1; the piece of one that the file ends in."""
    tail, number = b"", 0
    try:
        for chunk in _chunks(path):
            *whole, tail = (tail + chunk).split(b"\n")
            for line in whole:
                number += 1
                if line.strip():
                    yield number, line
    except BROKEN:
        if tail.strip():
            yield number + 1, tail
        raise
    if tail.strip():
        yield number + 1, tail


def _chunks(path: Path) -> Iterator[bytes]:
    """The content, unpacked if it is packed, without a byte-order mark."""
    with path.open("rb") as raw:
        is_packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if is_packed else raw
        yield stream.read1(CHUNK_BYTES).removeprefix(BYTE_ORDER_MARK)
        while chunk := stream.read1(CHUNK_BYTES):
            yield chunk


def _document(first: Line, rest: Iterator[Line], whole: Place) -> Iterator[Item]:
    lines, broken = [first], None
    try:
        lines.extend(rest)
    except BROKEN as why:
        broken = why
    text = b"\n".join(line for _, line in lines)
    if _json(text) is None and any(isinstance(_json(line), dict) for _, line in lines):
        for number, line in lines:
            yield from _parse(line, replace(whole, line=number))
    else:
        yield from _parse(text, whole)
    if broken is not None:
        raise broken


def _parse(text: bytes, place: Place) -> Iterator[Item]:
    content = _json(text)
    if content is not None:
        yield from _resources(content, place)
        return
    yield from _resources({"resourceType": "Bundle", "entry": list(_whole_entries(text))}, place)
    yield Unreadable(place=place, reason=Reason.NOT_JSON)


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _whole_entries(text: bytes) -> Iterator[Any]:
    """The entries of a bundle before the place where it breaks off."""
    start = ENTRIES.search(broken := text.decode(errors="replace"))
    position = start.end() if start else len(broken)
    decoder = json.JSONDecoder()
    while position < len(broken):
        if broken[position] in ", \r\n\t":
            position += 1
            continue
        start_of_one = position
        try:
            _, position = decoder.raw_decode(broken, position)
        except (ValueError, RecursionError):
            return
        yield _json(broken[start_of_one:position].encode())


def _resources(content: Any, place: Place) -> Iterator[Item]:
    if isinstance(content, list):
        for one in content:
            yield from _resources(one, place)
        return
    name = content.get("resourceType") if isinstance(content, dict) else None
    if not isinstance(name, str) or not TYPE_NAME.fullmatch(name):
        yield Unreadable(place=place, reason=Reason.NOT_A_RESOURCE)
    elif name == "Bundle":
        yield from _entries(content.get("entry"), place)
    else:
        yield Found(place=place, type=name, id=_id(content.get("id")), body=content, links={})


def _entries(entries: Any, place: Place) -> Iterator[Item]:
    """A bundle's resources; an entry without one is a request or an answer, and no data."""
    full = [
        (number, entry.get("fullUrl"), entry["resource"])
        for number, entry in enumerate(entries if isinstance(entries, list) else (), start=1)
        if isinstance(entry, dict) and entry.get("resource") is not None
    ]
    links = dict(_links((url, resource) for _, url, resource in full))
    for number, url, resource in full:
        at = replace(place, line=place.line or number)
        for item in _resources(resource, at):
            yield _linked(item, url, links) if isinstance(item, Found) else item


def _linked(found: Found, url: Any, links: Mapping[str, Target]) -> Found:
    target = links.get(url) if isinstance(url, str) else None
    own_id = found.id or (target.id if target and target.type == found.type else None)
    return replace(found, id=own_id, links={**links, **found.links} if found.links else links)


def _links(full: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, Target]]:
    """What the bundle's full URLs stand for, also where they are written relatively."""
    for url, resource in full:
        if not isinstance(url, str) or not isinstance(resource, dict):
            continue
        told = to_target(url)
        name = resource.get("resourceType")
        own_id = _id(resource.get("id")) or (told.id if told else None)
        if not isinstance(name, str) or own_id is None:
            continue
        yield url, Target(type=name, id=own_id)
        if told and told.type:
            yield f"{told.type}/{told.id}", Target(type=name, id=own_id)


def to_target(url: str) -> Target | None:
    """What an address names: `…/Type/id`, or `urn:uuid:id` without a type."""
    if url.startswith(("urn:uuid:", "urn:oid:")):
        tail = url.rpartition(":")[2]
        return Target(type=None, id=tail) if _id(tail) else None
    located = LOCATOR.search(url)
    is_usable = located is not None and _id(located["id"])
    return Target(type=located["type"], id=located["id"]) if located and is_usable else None


def _id(value: Any) -> str | None:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    is_usable = 0 < len(text) <= ID_LENGTH and text.isprintable()
    return text if is_usable else None
