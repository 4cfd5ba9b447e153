"""The vendor's refusals: category, wording and the members that tell a client which property or record was meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.kit.wire_json import dumps

__all__ = [
    "HubSpotError", "OAuthError", "PropertyFault", "RateLimitedError", "invalid_values", "missing", "not_associated",
    "unknown_type",
]  # fmt: skip

Context = Mapping[str, Sequence[str]]


class HubSpotError(Exception):
    """A refused call or row; `category` is empty where the vendor sends none."""

    def __init__(
        self,
        category: str,
        message: str,
        *,
        status: int = 400,
        sub_category: str | None = None,
        context: Context | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Refuse with the vendor's category and wording."""
        super().__init__(f"{category}: {message}")
        self.category = category
        self.message = message
        self.status = status
        self.sub_category = sub_category
        self.context = context
        self.errors = errors

    def as_body(self, correlation_id: str) -> dict[str, Any]:
        """Return the body of a refused call."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        if self.category:
            body["category"] = self.category
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.context:
            body["context"] = self.context
        if self.errors:
            body["errors"] = list(self.errors)
        return body

    def as_row(self, trace_id: str | None = None) -> dict[str, Any]:
        """Return the error of one row of a batch that goes on without it."""
        context = {name: list(values) for name, values in (self.context or {}).items()}
        if trace_id is not None:
            context["objectWriteTraceId"] = [trace_id]
        row: dict[str, Any] = {
            "status": "error",
            "category": self.category or "OBJECT_NOT_FOUND",
            "message": self.message,
            "context": context,
            "links": {},
            "errors": list(self.errors),
        }
        return {**row, "subCategory": self.sub_category} if self.sub_category else row


class RateLimitedError(HubSpotError):
    """A call over a limit: its body names the policy, and `errorType` where others have `category`."""

    def __init__(self, policy: str, group: str | None) -> None:
        """Refuse under a policy: TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
        super().__init__("RATE_LIMIT", f"You have reached your {policy.lower()} limit.", status=429)
        self.policy = policy
        self.group = group

    def as_body(self, correlation_id: str) -> dict[str, Any]:
        """Return the body of a throttled call."""
        body = {
            "status": "error",
            "message": self.message,
            "errorType": "RATE_LIMIT",
            "correlationId": correlation_id,
            "policyName": self.policy,
        }
        if self.group is not None:
            return {**body, "groupName": self.group}
        return {**body, "requestId": correlation_id}


class OAuthError(Exception):
    """A refused token call; `code` is the older interface's status word, `error` the standard's."""

    def __init__(self, code: str, error: str, message: str) -> None:
        """Refuse a token."""
        super().__init__(message)
        self.code = code
        self.error = error
        self.message = message


@dataclass(frozen=True)
class PropertyFault:
    """Why the value of one property is refused."""

    name: str
    error: str
    message: str

    def as_json(self, portal_id: int) -> dict[str, Any]:
        """Return the fault as it stands inside the message of the refusal."""
        return {
            "isValid": False,
            "message": self.message,
            "error": self.error,
            "name": self.name,
            "localizedErrorMessage": self.message,
            "portalId": portal_id,
        }


def invalid_values(faults: Sequence[PropertyFault], portal_id: int) -> HubSpotError:
    """Return the refusal of values; the list of faults is JSON inside the message."""
    listed = dumps([fault.as_json(portal_id) for fault in faults])
    errors = [
        {"message": fault.message, "code": fault.error, "context": {"propertyName": [fault.name]}} for fault in faults
    ]
    return HubSpotError("VALIDATION_ERROR", f"Property values were not valid: {listed}", errors=errors)


def missing() -> HubSpotError:
    """Return the answer for a record or address that is not there: no category."""
    return HubSpotError("", "resource not found", status=404)


def unknown_type(word: str) -> HubSpotError:
    """Return the answer for an object type this account does not have."""
    return HubSpotError("VALIDATION_ERROR", f"Unable to infer object type from: {word}")


def not_associated(one: str, record_id: str, other: str) -> HubSpotError:
    """Return the row of an association read that finds nothing."""
    return HubSpotError(
        "OBJECT_NOT_FOUND",
        f"No {other} is associated with {one} {record_id}.",
        status=404,
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={"fromObjectId": [record_id], "fromObjectType": [one], "toObjectType": [other]},
    )
