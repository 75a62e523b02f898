"""Each rule finds what it forbids, leaves the rest alone, and takes an argued exception."""

from collections.abc import Callable, Iterator

import pytest
from tools.lints import log_events, public_files, sql_time, transactions
from tools.lints.source import Finding, Source

Rule = Callable[[Source], Iterator[Finding]]


def lines(rule: Rule, text: str, path: str = "messages/service.py") -> list[int]:
    return [found.line for found in rule(Source.parse(path, text))]


@pytest.mark.parametrize("call", ["await tx.commit()", "self.db.commit()", "await tx.rollback()"])
def test_nobody_but_the_database_ends_a_transaction(call: str) -> None:
    text = f"async def act(self, tx):\n    {call}\n"
    assert lines(transactions.check, text) == [2]
    assert lines(transactions.check, text, "platform/db.py") == []


def test_a_function_named_commit_is_not_a_call_of_it() -> None:
    assert lines(transactions.check, "def commit(): ...\ncommitted = tx.committed()\n") == []


def test_an_exception_needs_a_reason_and_the_name_of_the_rule() -> None:
    argued = "# allow commit: a raw driver connection has no context manager\nlink.commit()\n"
    assert lines(transactions.check, argued) == []
    assert lines(transactions.check, argued.replace("commit:", "sql-time:")) == [2]
    assert lines(transactions.check, "link.commit()  # allow commit: because\n") == [1]


def test_an_exception_covers_its_own_statement_only() -> None:
    text = "link.commit()  # allow commit: the driver needs it here\nx = 1\nlink.commit()\n"
    assert lines(transactions.check, text) == [3]


@pytest.mark.parametrize(
    "statement",
    [
        "text('UPDATE t SET at = now()')",
        "text('SELECT CURRENT_TIMESTAMP')",
        "text(f'SELECT {x}, clock_timestamp()')",
        "mapped_column(server_default=func.now())",
        "sa.func.current_timestamp()",
    ],
)
def test_sql_never_asks_the_database_for_the_time(statement: str) -> None:
    assert lines(sql_time.check, f"at = {statement}\n") == [1]


def test_the_clock_the_prose_and_the_platform_may_say_now() -> None:
    text = '"""Never uses now()."""\nat = await clock.now()\nknown = "right now (maybe)"\n'
    assert lines(sql_time.check, text) == []
    assert lines(sql_time.check, "text('SELECT now()')\n", "platform/leases.py") == []


@pytest.mark.parametrize(
    "call",
    [
        "log.info(f'sent {n}')",
        "log.warning('sent %s' % n)",
        "logger.error('sent %s', n)",
        "self.log.info('sent {}'.format(n))",
        "log.bind(id=1).info('sent ' + n)",
    ],
)
def test_a_log_event_is_a_fixed_name(call: str) -> None:
    assert lines(log_events.check, f"{call}\n") == [1]


def test_fields_may_vary_and_other_objects_may_have_an_info_method() -> None:
    text = "log.info('message.sent', message_id=message.id)\nredis.info(f'{section}')\n"
    assert lines(log_events.check, text) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from handbell.consent import store",
        "from handbell.consent.store import insert",
        "import handbell.consent.policy",
        "from handbell.consent import Something",
        "from handbell.consent.tables import ConsentRow",
        "from handbell.consent.router import router",
    ],
)
def test_a_domain_is_not_entered_by_a_private_file(statement: str) -> None:
    assert lines(public_files.check, f"{statement}\n", "messages/service.py") == [1]


@pytest.mark.parametrize(
    ("path", "statement"),
    [
        ("messages/service.py", "from handbell.consent import service as consent"),
        ("messages/service.py", "from handbell.consent.types import Purpose"),
        ("messages/service.py", "from handbell.messages import store"),
        ("messages/service.py", "from handbell.platform.db import Tx"),
        ("messages/service.py", "from sqlalchemy import select"),
        ("messages/policy.py", "from handbell.scheduling.policy import next_allowed"),
        ("messages/facts.py", "from handbell.consent.tables import ConsentRow"),
        ("messages/facts/consent.py", "from handbell.consent.tables import ConsentRow"),
        ("migrations/metadata.py", "from handbell.consent import tables"),
        ("entrypoints/api.py", "from handbell.messages.router import router"),
        ("entrypoints/cli.py", "from handbell.demo.driver import run"),
        ("entrypoints/bootstrap.py", "from handbell.channels.providers.twilio import sender"),
        ("console/pages.py", "from handbell.integrations.events import service"),
    ],
)
def test_public_files_and_named_readers_pass(path: str, statement: str) -> None:
    assert lines(public_files.check, f"{statement}\n", path) == []


def test_an_entrypoint_is_no_side_door_to_a_store() -> None:
    assert lines(public_files.check, "from handbell.messages import store\n", "entrypoints/cli.py")


def test_a_finding_says_where_and_what() -> None:
    (found,) = transactions.check(Source.parse("links/store.py", "tx.commit()\n"))
    assert str(found) == "links/store.py:1: commit: `.commit()` outside platform/db.py"
