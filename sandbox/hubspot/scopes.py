"""Which right a call needs, and the refusal that names it."""

from sandbox.hubspot.catalog import Catalog
from sandbox.hubspot.errors import HubSpotError
from sandbox.hubspot.wire import Call

__all__ = ["check_scopes", "require_scopes"]

# Tasks and notes have no rights of their own; they go with the contacts.
_ACTIVITIES = {"tasks", "notes"}
_READS = {"search", "read"}
_SET_UP = {"properties", "validations", "schemas", "pipelines"}


def check_scopes(call: Call, catalog: Catalog) -> None:
    """Refuse a call its credential was not given the right for."""
    require_scopes(call, _wanted(call, catalog))


def require_scopes(call: Call, wanted: frozenset[str]) -> None:
    """Refuse a call unless its credential has one of these rights; no right at all is needed when there are none."""
    if wanted and not wanted & call.caller.scopes:
        raise HubSpotError(
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes "
            "here: https://developers.hubspot.com/scopes.",
            status=403,
            errors=[
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": sorted(wanted)},
                }
            ],
        )


def _wanted(call: Call, catalog: Catalog) -> frozenset[str]:
    """Return the rights of which one is enough; none where any credential may call."""
    if call.family == "owners":
        return frozenset({"crm.objects.owners.read"})
    if call.family not in {"objects", "associations", *_SET_UP}:
        return frozenset()
    reads = call.method == "GET" or (len(call.segments) > 1 and call.segments[-1] in _READS)
    right = "read" if reads else "write"
    name = _scope_name(call, catalog)
    if call.family not in _SET_UP:
        return frozenset({f"crm.objects.{name}.{right}"})
    if reads:
        return frozenset({f"crm.schemas.{name}.read", f"crm.objects.{name}.read"})
    return frozenset({f"crm.schemas.{name}.write"})


def _scope_name(call: Call, catalog: Catalog) -> str:
    one = catalog.find(call.segments[0]) if call.segments else None
    if one is None or one.is_custom:
        return "custom"
    return "contacts" if one.name in _ACTIVITIES else one.name
