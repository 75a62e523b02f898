"""What the tests of entrypoints share: a Valkey that is emptied for each test."""

from tests.valkey import valkey, valkey_url

__all__ = ["valkey", "valkey_url"]
