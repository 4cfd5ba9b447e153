from __future__ import annotations

import json
import secrets
import shlex
import socket
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from cli.demo_dialects import DemoDialect
from cli.demo_processes import Ready
from models.ids import FirmId
from runtime.embedded_temporal import free_port
from runtime.payload_keys import new_payload_key

__all__ = ["DemoPorts", "demo_environment", "demo_ports", "write_settings"]

_ROOT = Path(__file__).resolve().parent.parent


class DemoPorts(BaseModel):
    """Where the demo's parts listen."""

    temporal: int = 7233
    temporal_ui: int = 8233
    crm: int = 8181
    erp: int = 8182
    api: int = 8080


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


def demo_environment(
    firm: FirmId,
    folder: Path,
    people: Path,
    ports: DemoPorts,
    *,
    dialect: DemoDialect,
    crm: Ready,
    erp: Ready,
    temporal: str,
) -> dict[str, str]:
    """Settings of the demo, as anybody would set them for real accounts."""
    return {
        "TEMPORAL_ADDRESS": temporal,
        "TIELINE_FIRM": firm,
        "TIELINE_STORE_URL": f"sqlite:///{folder / 'store.db'}",
        "TIELINE_API_PORT": str(ports.api),
        "TIELINE_PAYLOAD_KEYS": json.dumps([_kept(folder / "payload-key", lambda: new_payload_key("demo"))]),
        "TIELINE_PEOPLE_FILE": str(people),
        "TIELINE_RULEBOOK_FOLDER": str(_ROOT / "mappings" / "demo_firm"),
        "TIELINE_CRM__CONNECTOR": dialect.system,
        "TIELINE_CRM__EVENT_SECRETS": json.dumps([_kept(folder / "event-secret", lambda: secrets.token_hex(32))]),
        "TIELINE_CRM__CONFIG__BASE_URL": crm.url,
        **{f"TIELINE_CRM__CONFIG__{name}": value for name, value in dialect.login(crm).items()},
        "TIELINE_ERP__CONNECTOR": "netsuite",
        "TIELINE_ERP__EVENT_SECRETS": json.dumps([_kept(folder / "erp-event-secret", lambda: secrets.token_hex(32))]),
        "TIELINE_ERP__CONFIG__ACCOUNT_ID": str(erp.client["account"]),
        "TIELINE_ERP__CONFIG__BASE_URL": erp.url,
        "TIELINE_ERP__CONFIG__LOGIN__KIND": "m2m",
        "TIELINE_ERP__CONFIG__LOGIN__CLIENT_ID": str(erp.client["client_id"]),
        "TIELINE_ERP__CONFIG__LOGIN__CERTIFICATE_ID": str(erp.client["certificate_id"]),
        "TIELINE_ERP__CONFIG__LOGIN__PRIVATE_KEY_PEM_FILE": str(erp.client["private_key"]),
    }


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
