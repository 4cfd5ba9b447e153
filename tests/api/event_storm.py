"""`python -m tests.api.event_storm`: a hundred thousand forged, stale, changed and repeated events at the real intake.

Genuine events are hidden among them, each sent several times. The judges are the inbox table and the audit chain.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from pydantic import SecretStr

from api import EventSender, build_app
from api.intake import EntryDoor, Intake
from connector_kit import BatchReader
from connectors.hubspot import CONNECTOR as HUBSPOT
from connectors.salesforce import CONNECTOR as SALESFORCE
from connectors.salesforce.ids import to_18
from connectors.salesforce.outbound import address_key
from models.ids import ConnectionId
from runtime.settings import Limits
from store import open_store
from tests.connectors.salesforce.test_outbound import CONFIG, message

__all__ = ["Storm", "run_storm"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evidence" / "event-storm.md"
OURS = {"crm-main": "the-secret-of-the-first-crm-0", "crm-two": "the-secret-of-the-second-crm"}
OTHERS = "the-secret-of-another-firm-00"
HAPPENED_MS = int(time.time() * 1000)
ADDRESS = "https://tieline.example.com"


@dataclass(frozen=True)
class Sent:
    """One request as a sender would make it."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Storm:
    """What was sent and what became of it."""

    forged: Counter[str] = field(default_factory=Counter)
    let_in: list[str] = field(default_factory=list)
    genuine: int = 0
    repeats: int = 0
    accepted_once: int = 0
    rows: int = 0
    refusals_written: int = 0
    refused: int = 0
    chain_intact: bool = False
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Nothing forged is in, everything genuine is in once, every refusal is written down."""
        return (
            not self.let_in
            and self.genuine == self.accepted_once == self.rows
            and self.refused == self.refusals_written
            and self.chain_intact
        )


def callout(number: int, *, secret: str = OURS["crm-main"], at: float | None = None) -> Sent:
    body = json.dumps(
        {"orgId": "00D000000000001AAA", "object": "Opportunity", "recordId": _deal(number), "event": "closed_won",
         "occurredAt": datetime.now(UTC).isoformat(), "eventId": f"genuine-{number:09d}"}
    ).encode()  # fmt: skip
    stamp = str(int(at or time.time()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Tieline-Timestamp": stamp, "X-Tieline-Signature": f"sha256={digest}"}
    return Sent("/intake/crm-main", headers, body)


def webhook(number: int, *, secret: str = OURS["crm-two"], at: float | None = None) -> Sent:
    moment = int((at or time.time()) * 1000)
    body = json.dumps(
        [{"eventId": number, "subscriptionId": 1, "portalId": 2, "appId": 3, "occurredAt": HAPPENED_MS,
          "objectId": number + 1, "subscriptionType": "deal.propertyChange", "propertyName": "dealstage",
          "changeSource": "CRM_UI"}]
    ).encode()  # fmt: skip
    base = b"POST" + f"{ADDRESS}/intake/crm-two".encode() + body + str(moment).encode()
    digest = base64.b64encode(hmac.new(secret.encode(), base, hashlib.sha256).digest()).decode()
    headers = {"X-HubSpot-Signature-v3": digest, "X-HubSpot-Request-Timestamp": str(moment)}
    return Sent("/intake/crm-two", headers, body)


def outbound(number: int, *, secret: str = OURS["crm-main"], org: str = CONFIG.organization_id) -> Sent:
    key = address_key(SecretStr(secret), ConnectionId("crm-main"))
    body = message(_deal(number), org=org).replace(b"04l5g0000000000AAA", f"04l{number:012d}AAA".encode())
    return Sent(f"/intake/crm-main/outbound/{key}", {"Content-Type": "text/xml"}, body)


def _deal(number: int) -> str:
    return to_18(f"006{number:012d}")


MAKERS: tuple[Callable[[int], Sent], ...] = (callout, webhook, outbound)


def _flipped(sent: Sent, rng: random.Random) -> Sent:
    place = rng.randrange(len(sent.body))
    body = bytearray(sent.body)
    body[place] ^= 1 << rng.randrange(8)
    return Sent(sent.path, sent.headers, bytes(body))


def _cut(sent: Sent, rng: random.Random) -> Sent:
    return Sent(sent.path, sent.headers, sent.body[: rng.randrange(len(sent.body) - 1)])


def _no_proof(sent: Sent, rng: random.Random) -> Sent:
    keep = rng.choice(["", *sent.headers])
    return Sent(sent.path, {name: value for name, value in sent.headers.items() if name == keep}, sent.body)


def _forgeries(number: int, rng: random.Random) -> tuple[str, Sent]:
    """One request that must not be accepted. Outbound messages carry no signature: their address is the proof."""
    signed = rng.choice([callout, webhook])
    stale = time.time() - rng.choice([301, 900, 86_400, 10**8]) - 5
    kinds: dict[str, Callable[[], Sent]] = {
        "one bit of the body changed": lambda: _flipped(signed(number), rng),
        "body cut short": lambda: _cut(signed(number), rng),
        "signature or time left out": lambda: _no_proof(signed(number), rng),
        "signed with another firm's secret": lambda: signed(number, secret=OTHERS),
        "signed with the other connection's secret": lambda: rng.choice(
            [callout(number, secret=OURS["crm-two"]), webhook(number, secret=OURS["crm-main"])]
        ),
        "signed long ago": lambda: signed(number, at=stale),
        "signed in the future": lambda: signed(number, at=time.time() + rng.choice([400, 86_400])),
        "sent to the other connection": lambda: _moved(signed(number)),
        "sent to a connection that is not there": lambda: Sent("/intake/nobody", *_rest(signed(number))),
        "too large": lambda: Sent(signed(number).path, signed(number).headers, b"x" * 20_000),
        "outbound message to a guessed address": lambda: _elsewhere(outbound(number), rng),
        "outbound message of another org": lambda: outbound(number, org="00D5g00000XXXXXEAV"),
        "outbound message with another firm's key": lambda: outbound(number, secret=OTHERS),
    }
    name = rng.choice(sorted(kinds))
    return name, kinds[name]()


def _rest(sent: Sent) -> tuple[dict[str, str], bytes]:
    return sent.headers, sent.body


def _moved(sent: Sent) -> Sent:
    path = "/intake/crm-two" if sent.path.endswith("main") else "/intake/crm-main"
    return Sent(path, sent.headers, sent.body)


def _elsewhere(sent: Sent, rng: random.Random) -> Sent:
    return Sent(f"/intake/crm-main/outbound/{rng.getrandbits(160):040x}", sent.headers, sent.body)


async def run_storm(folder: Path, *, forged: int, genuine: int, seed: int = 7) -> Storm:
    """Send them in random order, eight at a time, and count."""
    rng = random.Random(seed)  # noqa: S311 - the same storm each time
    storm, begun = Storm(), time.monotonic()
    async with open_store(f"sqlite:///{folder / 'storm.db'}") as store:
        doors = {"outbound": EntryDoor(*_outbound_door())}
        senders = {
            ConnectionId("crm-main"): EventSender(SALESFORCE.events, (SecretStr(OURS["crm-main"]),), side_doors=doors),
            ConnectionId("crm-two"): EventSender(None, (SecretStr(OURS["crm-two"]),), HUBSPOT.event_batches),
        }
        intake = Intake(
            senders, store.inbox, store.audit, limits=Limits(events_per_minute=10**9, event_bytes=10_000),
            on_accepted=lambda: None, public_url=ADDRESS,
        )  # fmt: skip
        work: list[tuple[str, int]] = [("forged", 10**6 + number) for number in range(forged)]
        for number in range(genuine):
            times = rng.randint(1, 3)
            storm.repeats += times - 1
            work += [("genuine", number)] * times
        rng.shuffle(work)
        transport = httpx.ASGITransport(build_app(intake=intake, checks={}))
        first_time: Counter[int] = Counter()
        waiting = iter(work)

        async def send(http: httpx.AsyncClient) -> None:
            for kind, number in waiting:
                name, sent = (
                    _forgeries(number, rng) if kind == "forged" else ("", MAKERS[number % len(MAKERS)](number))
                )
                before = time.monotonic()
                answer = await http.post(sent.path, content=sent.body, headers=sent.headers)
                assert time.monotonic() - before < 30, "an answer took too long"
                if kind == "forged":
                    storm.forged[name] += 1
                    storm.refused += answer.status_code >= 400
                    if answer.status_code < 400:
                        storm.let_in.append(name)
                else:
                    assert answer.status_code in {200, 202}, (sent.path, answer.text)
                    first_time[number] += answer.status_code == 202

        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            await asyncio.gather(*(send(http) for _ in range(8)))
        rows = await store.inbox.list_waiting(genuine * 4 + forged)
        kinds = Counter(entry.kind for entry in await store.audit.list_entries())
        storm.genuine, storm.rows = genuine, len(rows)
        storm.accepted_once = len({(row.event.connection, row.event.event_id) for row in rows})
        storm.refusals_written = kinds["event.refused"]
        storm.chain_intact = (await store.audit.verify()).intact
    assert all(count <= 1 for count in first_time.values())
    storm.seconds = time.monotonic() - begun
    return storm


def _outbound_door() -> tuple[BatchReader, bytes, str]:
    door = SALESFORCE.side_doors["outbound"]
    return door.reader(CONFIG), door.thanks, door.media_type


def page(storm: Storm, commit: str) -> str:
    """The evidence page."""
    rows = "\n".join(f"| {name} | {count:,} | 0 |" for name, count in sorted(storm.forged.items()))
    return (
        "# Forged, stale, changed and repeated events\n\n"
        f"Command: `python -m tests.api.event_storm`, commit {commit}, {storm.seconds:.0f} s. The intake and the store "
        "are the real ones; requests come from eight senders at once, in random order (seed 7).\n\n"
        f"| what was sent | how often | accepted |\n|---|---|---|\n{rows}\n"
        f"| **all of these** | **{sum(storm.forged.values()):,}** | **{len(storm.let_in)}** |\n"
        f"| genuine events | {storm.genuine:,} | {storm.rows:,} |\n"
        f"| the same genuine events again | {storm.repeats:,} | 0 |\n\n"
        f"Refusals written to the audit chain: {storm.refusals_written:,} of {storm.refused:,}. "
        f"The chain verifies: {'yes' if storm.chain_intact else 'NO'}.\n"
    )


def main() -> None:
    """Run it in full and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forged", type=int, default=100_000)
    parser.add_argument("--genuine", type=int, default=3_000)
    parser.add_argument("--commit", default="unknown")
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)  # a hundred thousand lines that say the same
    with tempfile.TemporaryDirectory() as folder:
        storm = asyncio.run(run_storm(Path(folder), forged=wanted.forged, genuine=wanted.genuine))
    text = page(storm, wanted.commit)
    sys.stdout.write(text)
    if not storm.holds:
        raise SystemExit(1)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
