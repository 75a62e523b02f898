"""Merkle trees against a recursive oracle written from RFC 6962, section 2.1."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from handbell.audit import merkle


def oracle(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + oracle(leaves[:k]) + oracle(leaves[k:])).digest()


LEAVES = st.lists(st.binary(max_size=4), max_size=40)


@given(LEAVES)
def test_the_streamed_root_is_the_one_of_the_definition(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == oracle(leaves)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_a_path_proves_its_leaf_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = merkle.path(leaves, index), merkle.root(leaves)

    def proves(leaf: bytes, at: int = index) -> bool:
        return merkle.verify_path(leaf, index=at, count=len(leaves), path=path, root=root)

    assert proves(leaves[index])
    assert not proves(leaves[index] + b"x")
    assert not proves(leaves[index], len(leaves))


def test_a_node_never_passes_for_a_leaf() -> None:
    pair = merkle.leaf_hash(b"a") + merkle.leaf_hash(b"b")
    assert merkle.root([pair]) != merkle.root([b"a", b"b"])
