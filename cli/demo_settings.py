from __future__ import annotations

import json
import secrets
import shlex
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from cli.demo_books import DemoBooks
from cli.demo_dialects import DemoDialect
from cli.demo_processes import Ready
from models.ids import FirmId
from runtime.embedded_temporal import free_port
from runtime.payload_keys import new_payload_key

__all__ = ["Account", "DemoPorts", "accounts_of", "demo_environment", "demo_ports", "demo_rules", "write_settings"]

_ROOT = Path(__file__).resolve().parent.parent


class DemoPorts(BaseModel):
    """Where the demo's parts listen."""

    temporal: int = 7233
    temporal_ui: int = 8233
    crm: int = 8181
    erp: int = 8182
    api: int = 8080
    second_crm: int = 8183
    second_erp: int = 8184

    @property
    def crms(self) -> tuple[int, ...]:
        """Of CRMs, the first one first."""
        return (self.crm, self.second_crm)

    @property
    def erps(self) -> tuple[int, ...]:
        """Of ERPs, the first one first."""
        return (self.erp, self.second_erp)


def demo_ports(folder: Path) -> DemoPorts:
    """The usual ports, or those of the last run; one that is taken is replaced by a free one."""
    kept = folder / "ports.json"
    wanted = DemoPorts.model_validate_json(kept.read_text()) if kept.exists() else DemoPorts()
    ports = DemoPorts(**{name: port if _is_free(port) else free_port() for name, port in wanted.model_dump().items()})
    kept.write_text(ports.model_dump_json())
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Account:
    """One system of the demo under our name of it, with the settings that anybody would give for a real one."""

    connection: str
    system: str
    ready: Ready
    login: dict[str, str]
    sends_events: bool


def accounts_of(
    crms: Sequence[tuple[DemoDialect, Ready]], erps: Sequence[tuple[DemoBooks, Ready]]
) -> tuple[list[Account], list[Account]]:
    """The first of each kind has the name that is usual where there is one; a second one is called by its system."""
    selling = [
        Account(_name("crm", at, said.system), said.system, ready, said.login(ready), sends_events=True)
        for at, (said, ready) in enumerate(crms)
    ]
    booking = [
        Account(_name("erp", at, kept.system), kept.system, ready, kept.login(ready), not kept.is_real)
        for at, (kept, ready) in enumerate(erps)
    ]
    return selling, booking


def _name(kind: str, at: int, system: str) -> str:
    return f"{kind}-{system}" if at else f"{kind}-main"


def demo_environment(
    firm: FirmId,
    folder: Path,
    people: Path,
    ports: DemoPorts,
    *,
    selling: Sequence[Account],
    booking: Sequence[Account],
    rules: Path,
    temporal: str,
) -> dict[str, str]:
    """Settings of the demo, as anybody would set them for real accounts."""
    secret = _kept(folder / "event-secret", lambda: secrets.token_hex(32))
    erp_secret = _kept(folder / "erp-event-secret", lambda: secrets.token_hex(32))
    further = [_as_json(account, secret) for account in (*selling[1:], *booking[1:])]
    return {
        "TEMPORAL_ADDRESS": temporal,
        "TIELINE_FIRM": firm,
        "TIELINE_STORE_URL": f"sqlite:///{folder / 'store.db'}",
        "TIELINE_API_PORT": str(ports.api),
        "TIELINE_PAYLOAD_KEYS": json.dumps([_kept(folder / "payload-key", lambda: new_payload_key("demo"))]),
        "TIELINE_PEOPLE_FILE": str(people),
        "TIELINE_RULEBOOK_FOLDER": str(rules),
        "TIELINE_CRM__EVENT_SECRETS": json.dumps([secret]),
        **_as_variables("TIELINE_CRM", selling[0]),
        **_as_variables("TIELINE_ERP", booking[0]),
        **({"TIELINE_ERP__EVENT_SECRETS": json.dumps([erp_secret])} if booking[0].sends_events else {}),
        **({"TIELINE_FURTHER_CONNECTIONS": json.dumps(further)} if further else {}),
    }


def demo_rules(folder: Path, booking: Sequence[Account], erps: Sequence[DemoBooks]) -> Path:
    """The demo firm's rules; with two ERPs a copy in which each names the companies that book there."""
    firm = _ROOT / "mappings" / "demo_firm"
    if len(booking) == 1:
        return firm
    own = folder / "rules"
    shutil.copytree(firm, own, dirs_exist_ok=True)
    rules = [
        f'[[erps]]\nid = "ERP-{account.system}"\nrequirement = "FIN-02"\nvalid_from = 2015-01-01\n'
        f'connection = "{account.connection}"\nentities = {json.dumps(list(books.entities))}\n'
        for account, books in zip(booking, erps, strict=True)
    ]
    (own / "erps.toml").write_text("\n".join(rules), encoding="utf-8")
    return own


def _as_variables(prefix: str, account: Account) -> dict[str, str]:
    return {
        f"{prefix}__CONNECTOR": account.system,
        f"{prefix}__CONFIG__BASE_URL": account.ready.url,
        **{f"{prefix}__CONFIG__{name}": value for name, value in account.login.items()},
    }


def _as_json(account: Account, secret: str) -> dict[str, object]:
    config: dict[str, object] = {"base_url": account.ready.url}
    for name, value in account.login.items():
        table, mark, field = name.lower().partition("__")
        if not mark:
            config[table] = value
            continue
        inner = config.setdefault(table, {})
        if isinstance(inner, dict):
            inner[field] = value
    found: dict[str, object] = {"connector": account.system, "connection": account.connection, "config": config}
    return found | ({"event_secrets": [secret]} if account.sends_events else {})


def write_settings(folder: Path, environment: dict[str, str]) -> None:
    """Keep the settings where `starter.py` finds them, readable by us alone."""
    path = folder / "tieline.env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(environment.items())))


def _kept(path: Path, make: Callable[[], str]) -> str:
    """A secret of this demo: made once, so that the next run can read what this one leaves."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text()
