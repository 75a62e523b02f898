"""Whatever is done to a token, it is the one that was made or it is nobody's."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.links.tokens import new_token, stored_hash
from handbell.platform.crypto import KeyRing

KEYS = KeyRing(encryption_key="a key for tests only", lookup_key="a look-up key for tests only")
OTHERS = KeyRing(encryption_key="a key for tests only", lookup_key="somebody else's key")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

edits = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 23), st.sampled_from(ALPHABET)),
        st.tuples(st.just("swap"), st.integers(0, 23), st.integers(0, 23)),
        st.tuples(st.just("drop"), st.integers(0, 23), st.none()),
        st.tuples(st.just("add"), st.integers(0, 24), st.characters()),
    ),
    min_size=1,
    max_size=6,
)


def edited(token: str, changes: list[tuple[str, int, object]]) -> str:
    characters = list(token)
    for how, at, what in changes:
        if how == "add":
            characters.insert(at, str(what))
        elif at >= len(characters):
            continue
        elif how == "set":
            characters[at] = str(what)
        elif how == "drop":
            del characters[at]
        elif isinstance(what, int) and what < len(characters):
            characters[at], characters[what] = characters[what], characters[at]
    return "".join(characters)


@pytest.mark.requirement("R5.5")
@given(edits)
def test_an_edited_token_is_refused_unless_it_is_what_it_was(
    changes: list[tuple[str, int, object]],
) -> None:
    token, known = new_token(KEYS)
    other = edited(token, changes)
    assert stored_hash(KEYS, other) == (known if other == token else None)


@pytest.mark.requirement("R5.5")
@given(st.one_of(st.text(max_size=40), st.text(ALPHABET, min_size=24, max_size=24)))
def test_a_token_that_was_made_up_is_refused(token: str) -> None:
    assert stored_hash(KEYS, token) is None


@given(st.binary(min_size=18, max_size=18))
def test_any_eighteen_bytes_are_refused(raw: bytes) -> None:
    assert stored_hash(KEYS, base64.urlsafe_b64encode(raw).decode()) is None


@given(st.integers(1, 17))
def test_halves_of_two_tokens_make_no_third(at: int) -> None:
    one, other = (base64.urlsafe_b64decode(new_token(KEYS)[0]) for _ in range(2))
    joined = base64.urlsafe_b64encode(one[:at] + other[at:]).decode()
    assert stored_hash(KEYS, joined) is None


def test_the_token_of_another_installation_is_refused() -> None:
    assert stored_hash(KEYS, new_token(OTHERS)[0]) is None


def test_keys_rotate_and_what_was_signed_before_holds_while_its_key_is_kept() -> None:
    secrets = {"encryption_key": "e", "lookup_key": "a look-up key for tests only"}
    first, known = new_token(KEYS)
    both = KeyRing(**secrets, link_keys=["the newer key of links", "derived"])
    newer = KeyRing(**secrets, link_keys=["the newer key of links"])
    assert stored_hash(both, first) == known
    assert stored_hash(newer, first) is None
    second, known = new_token(both)
    assert stored_hash(newer, second) == known
    assert stored_hash(KEYS, second) is None
