"""The load: patients, their visits and their STOPs, all through the API and the sandbox."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from handbell.platform.clock import SystemClock
from tools.chaos.people import PROVIDER, Person, Visit
from tools.chaos.plan import Size
from tools.chaos.state import State

BATCH: Final = 25
AGAIN_SECONDS: Final = 0.5
_TAKEN: Final = {"accepted", "duplicate"}
_EVENTS: Final = {"Content-Type": "application/cloudevents-batch+json"}
FAULTS: Final[Sequence[dict[str, Any]]] = (
    {
        "provider": "twilio", "rate_5xx": 0.02, "rate_drop": 0.02, "rate_slow": 0.02,
        "slow_ms": 3_000, "rate_callback_lost": 0.03, "rate_callback_doubled": 0.1,
        "rate_callback_late": 0.2, "callback_late_ms": 20_000, "list_lag_ms": 30_000,
        "rate_list_fails": 0.2,
    },
    {
        "provider": "sendgrid", "rate_5xx": 0.01, "rate_drop": 0.02, "rate_slow": 0.02,
        "slow_ms": 2_000, "rate_callback_lost": 0.03, "rate_callback_doubled": 0.1,
        "rate_callback_late": 0.2, "callback_late_ms": 20_000,
    },
    {
        "provider": "whatsapp", "rate_5xx": 0.01, "rate_drop": 0.02, "rate_slow": 0.02,
        "slow_ms": 2_000, "rate_callback_lost": 0.03, "rate_callback_doubled": 0.1,
        "rate_callback_late": 0.2, "callback_late_ms": 20_000,
    },
)  # fmt: skip


class NotTaken(Exception):
    """Raised when the API refuses what it should take: the run would mean nothing."""


@dataclass(slots=True, kw_only=True)
class Load:
    """Talks to one installation. What gets no answer is sent again, under the same ids."""

    session: aiohttp.ClientSession
    api_url: str
    sandbox_url: str
    key: str
    state: State
    save: Callable[[], None]
    has_time: Callable[[], bool]

    async def set_faults(self, seed: int) -> None:
        for fault in FAULTS:
            await self._ask("PUT", f"{self.sandbox_url}/_sandbox/faults", fault | {"seed": seed})

    async def open_practice(self) -> None:
        """Let the practice write by WhatsApp, and tell of its doctor."""
        settings = {"whatsapp_us_enabled": True, "care_per_day": 5}
        await self._ask("PUT", f"{self.api_url}/api/v1/comm/settings/organization", settings)
        defaults: dict[str, Any] = {"reminder_hours_before": []}
        await self._tell("provider.settings_updated", [{"id": PROVIDER, "defaults": defaults}])

    async def _register(self, people: Sequence[Person]) -> None:
        zone = self.state.zone
        ids = await self._tell("patient.registered", [one.registration(zone) for one in people])
        for one, patient_id in zip(people, ids, strict=True):
            if one.first[0] == "whatsapp":
                await self._prefer(patient_id or await self._id_of(one))

    async def _id_of(self, person: Person) -> int:
        """Our id of a patient whose registration was acknowledged to nobody."""
        while True:
            name = f"patient.updated:{self.state.repeated}"
            (found,) = await self._tell("patient.updated", [{"id": person.name}], name=name)
            if found:
                return found
            self.state.repeated += 1

    async def _prefer(self, patient_id: int) -> None:
        path = f"/api/v1/patients/{patient_id}/comm-preferences"
        await self._ask("PUT", f"{self.api_url}{path}", {"allow_whatsapp": True})

    async def book(self, visits: Sequence[Visit], size: Size) -> None:
        """Book the visits that are left, evenly over the time that the killing takes, and as
        long as there is time. A patient is registered just before the first one."""
        batches = range(self.state.booked, len(visits), BATCH)
        pause = size.killing_seconds * 0.9 / (len(visits) / BATCH)
        clock, loop = SystemClock(), asyncio.get_running_loop()
        due = loop.time()
        for start in batches:
            if not self.has_time():
                return
            some = visits[start : start + BATCH]
            if new := [one.person for one in some if one.no == 0]:
                await self._register(new)
            now = await clock.now()
            await self._tell(
                "appointment.booked", [one.booking(self.state.zone, now=now) for one in some]
            )
            self.state.booked = start + len(some)
            self.save()
            due += pause
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def stop_some(self, people: Sequence[Person], size: Size) -> None:
        """Let those who will say STOP do so, one after the other, in the run's middle."""
        left = [one for one in people if one.is_stopping and one.first[1] not in self.state.stops]
        pause = size.killing_seconds * 0.5 / max(1, len(left))
        await asyncio.sleep(size.killing_seconds * 0.3)
        for one in left:
            channel, address = one.first
            said = {"channel": channel, "from": address, "body": "STOP"}
            url = f"{self.sandbox_url}/_sandbox/replies"
            while not (await self._ask("POST", url, said))["delivered"]:  # noqa: ASYNC110
                await asyncio.sleep(AGAIN_SECONDS)
            self.state.stops[address] = await self._answered_at(address)
            self.save()
            await asyncio.sleep(pause)

    async def _answered_at(self, address: str) -> str:
        """When the product acknowledged the STOP, by the sandbox's clock."""
        async with self.session.get(f"{self.sandbox_url}/_sandbox/replies") as answer:
            rows = [json.loads(line) for line in (await answer.text()).splitlines()]
        taken = [row for row in rows if row["from"] == address and row["is_taken"]]
        return str(taken[0]["answered_at"])

    async def _tell(
        self, kind: str, told: Sequence[dict[str, Any]], *, name: str | None = None
    ) -> list[int]:
        """Send a batch of events until it is acknowledged; our ids of what they are about, and
        0 where it had been told before. `name` begins the events' ids, else their kind does."""
        events = [
            {
                "specversion": "1.0", "id": f"{name or kind}:{one['id']}", "source": "chaos",
                "type": kind, "data": one,
            }
            for one in told
        ]  # fmt: skip
        url = f"{self.api_url}/api/v1/events"
        answer = await self._ask("POST", url, events, headers=_EVENTS)
        results = answer["results"]
        if not {one["status"] for one in results} <= _TAKEN:
            raise NotTaken(str(results)[:500])
        return [int(one.get("internal_id") or 0) for one in results]

    async def _ask(
        self, method: str, url: str, body: Any, *, headers: dict[str, str] | None = None
    ) -> Any:
        """One request, again and again until it is answered."""
        known = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        while True:
            try:
                async with self.session.request(
                    method, url, data=json.dumps(body), headers=known | (headers or {})
                ) as answer:
                    told = await answer.text()
            except (aiohttp.ClientError, TimeoutError):
                told = ""
            else:
                if answer.status < HTTPStatus.BAD_REQUEST:
                    return json.loads(told)
                if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise NotTaken(f"{method} {answer.status} {told[:300]}")
            self.state.repeated += 1
            await asyncio.sleep(AGAIN_SECONDS)
