"""Which interface, of which generation, a path speaks to. One store stands behind all generations."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Place", "place_of", "route_of"]

# Interface: what stands before the version, which older versions there are, and what stands after the version.
_INTERFACES = (
    ("objects", "/crm/", ("v3", "v4"), "/objects"),
    ("objects", "/crm/objects/", (), ""),
    ("associations", "/crm/", ("v3", "v4"), "/associations"),
    ("associations", "/crm/associations/", (), ""),
    ("properties", "/crm/", ("v3",), "/properties"),
    ("properties", "/crm/properties/", (), ""),
    ("validations", "/crm/property-validations/", ("v3",), ""),
    ("validations", "/crm/", ("v3",), "/property-validations"),
    ("schemas", "/crm/", ("v3",), "/schemas"),
    ("schemas", "/crm-object-schemas/", ("v3",), "/schemas"),
    ("pipelines", "/crm/", ("v3",), "/pipelines"),
    ("pipelines", "/crm/pipelines/", (), ""),
    ("owners", "/crm/", ("v3",), "/owners"),
    ("owners", "/crm/owners/", (), ""),
    ("limits", "/crm/limits/", ("v3",), ""),
    ("oauth", "/oauth/", ("v1", "v3"), ""),
    ("account", "/account-info/", ("v3",), ""),
    ("webhooks", "/webhooks/", ("v3",), ""),
    ("webhooks", "/app-webhooks/", (), ""),
    ("journal", "/webhooks-journal/journal/", (), ""),
    ("journal-local", "/webhooks-journal/journal-local/", (), ""),
    ("journal-subscriptions", "/webhooks-journal/subscriptions/", (), ""),
)
_OBJECT_WORDS = {"batch", "search", "merge", "gdpr-delete"}
_DATE = re.compile(r"\d{4}-\d{2}(-beta)?")


@dataclass(frozen=True)
class Place:
    """A path taken apart."""

    family: str
    version: str
    segments: tuple[str, ...]
    prefix: str


def place_of(raw_path: str, dated_versions: frozenset[str]) -> Place | None:
    """Take a path apart; None when no interface of these versions has it."""
    for family, before, older, after in _INTERFACES:
        if not raw_path.startswith(before):
            continue
        version, _, _ = raw_path.removeprefix(before).partition("/")
        prefix = f"{before}{version}{after}"
        if not (raw_path == prefix or raw_path.startswith(f"{prefix}/")):
            continue
        # With a word after the version the dated generation has another address, except for schemas.
        dated = _DATE.fullmatch(version) and version in dated_versions and (not after or family == "schemas")
        if version in older or (dated and before != "/crm/"):
            rest = raw_path.removeprefix(prefix).strip("/")
            segments = tuple(unquote(part) for part in rest.split("/")) if rest else ()
            return Place(family, version, segments, prefix)
    return None


def route_of(method: str, raw_path: str, dated_versions: frozenset[str]) -> str:
    """Return a call's route with ids and keys taken out, for the counters."""
    place = place_of(raw_path.rstrip("/") or "/", dated_versions)
    if place is None:
        return f"{method} {re.sub(r'[0-9a-f-]{12,}', '{id}', raw_path)}"
    shown = list(place.segments)
    if place.family == "objects" and len(shown) > 1 and shown[1] not in _OBJECT_WORDS:
        shown[1] = "{id}"
        if len(shown) > 4:  # noqa: PLR2004 - the last segment of an association is the other record's id
            shown[-1] = "{id}"
    elif place.family in {"journal", "journal-local", "owners", "webhooks", "oauth", "journal-subscriptions"}:
        shown = ["{id}" if any(sign.isdigit() for sign in part) else part for part in shown]
    return f"{method} {'/'.join([place.prefix, *shown])}"
