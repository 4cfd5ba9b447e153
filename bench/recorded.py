"""The vendor calls of a real deal, as they went over the wire, and the same calls again for another deal."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from bench.deals import Deal

__all__ = [
    "Call",
    "Calls",
    "Recorder",
    "Scripts",
    "as_script",
    "fingerprints",
    "read_scripts",
    "replay_one",
    "script_of",
    "write_scripts",
]

_KEPT_HEADERS = frozenset(
    {"accept", "accept-encoding", "accept-language", "authorization", "content-type", "prefer", "sforce-call-options",
     "x-netsuite-propertynamevalidation"}
)  # fmt: skip
_FINGERPRINT = re.compile(r"(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{12,64}(?![0-9A-Za-z])")
_LOCATION = re.compile(r"/([0-9]+)$")
_SIGN_IN = re.compile(r"/oauth2/")
_MARK = re.compile("\u00a7([a-z]+)([0-9]*)(?::([0-9a-f]+))?\u00a7")


@dataclass(frozen=True)
class Call:
    """One request. Where it depends on the deal or on an earlier answer it holds a mark instead."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    location: str = ""
    """Id of the record that the answer named, as it was when recorded."""


Calls = tuple[Call, ...]
Scripts = dict[str, Calls]
"""The calls of a first purchase (`new`), and of a further one for each buyer (`buyer:3`)."""


class Recorder:
    """Hooks for HTTP clients that keep every request, sign-in left out."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def keep(self, answer: httpx.Response) -> None:
        """Called with every answer."""
        request = answer.request
        if _SIGN_IN.search(request.url.path):
            return
        found = _LOCATION.search(answer.headers.get("location", "").partition("?")[0])
        headers = {name: value for name, value in request.headers.items() if name in _KEPT_HEADERS}
        body = request.content.decode()
        self.calls.append(Call(request.method, str(request.url), headers, body, found[1] if found else ""))


def as_script(calls: Sequence[Call], deal: Deal, fingerprints_of_buyer: frozenset[str]) -> Calls:
    """Put marks where these calls depend on the deal. Fingerprints of a known buyer stay as they are."""
    marked: list[Call] = []
    for call in calls:
        earlier = {before.location: at for at, before in enumerate(calls) if before.location and at < len(marked)}
        url, body = (_marked(text, deal, earlier, fingerprints_of_buyer) for text in (call.url, call.body))
        marked.append(Call(call.method, url, call.headers, body, call.location))
    return tuple(marked)


def fingerprints(calls: Sequence[Call]) -> frozenset[str]:
    """Everything in these calls that looks like a key or a digest of ours."""
    return frozenset(found for call in calls for text in (call.url, call.body) for found in _FINGERPRINT.findall(text))


async def replay_one(http: httpx.AsyncClient, call: Call, deal: Deal, answers: Sequence[str]) -> str:
    """Send the call for this deal; `answers` are the ids that its earlier calls got. Returns the id this one got."""
    body = _filled(call.body, deal, answers)
    answer = await http.request(
        call.method, _filled(call.url, deal, answers), headers=call.headers, content=body.encode() if body else None
    )
    if not answer.is_success or '"httpStatusCode":4' in answer.text:
        raise RuntimeError(f"{call.method} {call.url}: {answer.status_code} {answer.text[:500]}")
    found = _LOCATION.search(answer.headers.get("location", "").partition("?")[0])
    return found[1] if found else ""


def script_of(scripts: Scripts, deal: Deal) -> Calls:
    """The calls of this kind of deal."""
    return scripts[f"buyer:{deal.buyer}" if deal.is_repeated else "new"]


def write_scripts(path: Path, scripts: Scripts) -> None:
    """Keep them for the processes of the references."""
    path.write_text(json.dumps({name: [asdict(call) for call in calls] for name, calls in scripts.items()}))


def read_scripts(path: Path) -> Scripts:
    """What `write_scripts` kept."""
    return {name: tuple(Call(**call) for call in calls) for name, calls in json.loads(path.read_text()).items()}


def _marked(text: str, deal: Deal, earlier: dict[str, int], kept: frozenset[str]) -> str:
    own: list[tuple[str, str]] = [(deal.deal_id, "deal")]
    if not deal.is_repeated:
        own += [(deal.account_id, "account"), (deal.contact_id, "contact")]
    for value, name in own:
        text = text.replace(value, f"\u00a7{name}\u00a7").replace(value.lower(), f"\u00a7{name}lower\u00a7")
    text = _FINGERPRINT.sub(lambda found: found[0] if found[0] in kept else f"\u00a7hash:{found[0]}\u00a7", text)
    for record_id, at in earlier.items():
        text = re.sub(rf'(?<=["=]){record_id}(?=["&]|$)', f"\u00a7answer{at}\u00a7", text)
    if not deal.is_repeated:
        for spelling, name in ((deal.word, "word"), (deal.word.upper(), "wordupper"), (deal.word.lower(), "wordlower")):
            text = text.replace(spelling, f"\u00a7{name}\u00a7")
    return text.replace(deal.token, "\u00a7token\u00a7")


def _filled(text: str, deal: Deal, answers: Sequence[str]) -> str:
    values = {
        "deal": deal.deal_id,
        "deallower": deal.deal_id.lower(),
        "account": deal.account_id,
        "accountlower": deal.account_id.lower(),
        "contact": deal.contact_id,
        "contactlower": deal.contact_id.lower(),
        "token": deal.token,
        "word": deal.word,
        "wordupper": deal.word.upper(),
        "wordlower": deal.word.lower(),
    }

    def value(mark: re.Match[str]) -> str:
        if mark[1] == "answer":
            return answers[int(mark[2])]
        if mark[1] == "hash":
            return hashlib.sha256(f"{mark[3]}{deal.token}".encode()).hexdigest()[: len(mark[3])]
        return values[mark[1]]

    return _MARK.sub(value, text)
