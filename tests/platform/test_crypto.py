"""Keys: what one seals only the same key and place can open."""

import pytest

from handbell.platform.crypto import CannotDecrypt, KeyRing, SubjectKey, database_password

RING = KeyRing(encryption_key="one", lookup_key="two")


@pytest.mark.requirement("R7.7")
def test_a_text_opens_only_with_its_key_and_in_its_place() -> None:
    key = SubjectKey.fresh()
    sealed = key.encrypt("Ana", context="patients.first_name")
    assert key.decrypt(sealed, context="patients.first_name") == "Ana"
    with pytest.raises(CannotDecrypt):
        key.decrypt(sealed, context="patients.last_name")
    with pytest.raises(CannotDecrypt):
        SubjectKey.fresh().decrypt(sealed, context="patients.first_name")


@pytest.mark.requirement("R7.7")
def test_one_flipped_bit_is_noticed() -> None:
    key = SubjectKey.fresh()
    sealed = bytearray(key.encrypt("Ana", context="x"))
    sealed[-1] ^= 1
    with pytest.raises(CannotDecrypt):
        key.decrypt(bytes(sealed), context="x")


def test_a_wrapped_key_comes_back_only_under_the_same_deployment_key() -> None:
    subject = SubjectKey.fresh()
    wrapped, version = RING.wrap(subject)
    assert RING.unwrap(wrapped, version) == subject
    with pytest.raises(CannotDecrypt):
        KeyRing(encryption_key="other", lookup_key="two").unwrap(wrapped, version)
    with pytest.raises(CannotDecrypt):
        RING.unwrap(wrapped, version + 1)


def test_what_came_in_is_sealed_for_its_place_and_by_the_deployment_s_key() -> None:
    sealed = RING.seal_raw(b"raw", context="here")
    assert RING.unseal_raw(sealed, context="here") == b"raw"
    with pytest.raises(CannotDecrypt):
        RING.unseal_raw(sealed, context="there")
    with pytest.raises(CannotDecrypt):
        KeyRing(encryption_key="other", lookup_key="two").unseal_raw(sealed, context="here")


def test_a_key_never_shows_in_its_own_description() -> None:
    subject = SubjectKey.fresh()
    assert subject.key.hex() not in repr(subject)
    assert str(subject.key) not in repr(subject)


def test_address_hashes_depend_on_channel_address_and_key() -> None:
    other = KeyRing(encryption_key="one", lookup_key="three")
    hashes = {
        RING.address_hash("sms", "+12125550100"),
        RING.address_hash("whatsapp", "+12125550100"),
        RING.address_hash("sms", "+12125550101"),
        other.address_hash("sms", "+12125550100"),
    }
    assert len(hashes) == 4
    assert RING.address_hash("sms", "+12125550100") in hashes


def test_each_database_role_gets_its_own_password() -> None:
    assert database_password("one", "a") != database_password("one", "b")
    assert database_password("one", "a") == database_password("one", "a")
