from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from models.ids import ConnectionId
from models.invoice import HoldReason
from models.terms import BillingType

__all__ = ["CustomFields", "JobKind", "M2mLogin", "NetSuiteConfig", "Prefixes", "TbaLogin"]

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")


class _Settings(BaseModel):
    """Settings of one account: closed, so that a misspelt one is refused when the process starts."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class M2mLogin(_Settings):
    """OAuth 2.0 client credentials: a certificate mapped to an entity and a role. Sheet 1.1."""

    kind: Literal["m2m"] = "m2m"
    client_id: str
    certificate_id: str
    """`kid`: the certificate's id on the set-up page."""
    private_key_pem: SecretStr
    algorithm: Literal["PS256", "ES256"] = "PS256"
    scope: str = "rest_webservices"
    audience: str = ""
    """Empty: the token URL itself, which is what the vendor asks for."""


class TbaLogin(_Settings):
    """Token-based authentication, OAuth 1.0a. No new integrations of this kind from release 2027.1. Sheet 1.2."""

    kind: Literal["tba"] = "tba"
    consumer_key: str
    consumer_secret: SecretStr
    token_id: str
    token_secret: SecretStr


class CustomFields(_Settings):
    """What the firm called its custom fields. An empty name means: this account does not have it."""

    customer_crm_id: str = "custentity_tl_crm_id"
    customer_registration_number: str = "custentity_tl_registration_number"
    customer_duns: str = "custentity_tl_duns"
    customer_lei: str = "custentity_tl_lei"
    project_contract_number: str = "custentity_tl_contract_number"
    project_at_risk: str = "custentity_tl_at_risk"
    contract_number: str = "custbody_tl_contract_number"
    contract_funded: str = "custbody_tl_value_funded"
    contract_cap: str = "custbody_tl_value_cap"
    contract_with_options: str = "custbody_tl_value_with_options"
    contract_billing_hold: str = "custbody_tl_billing_hold"
    contract_amendments: str = "custbody_tl_amendments"
    """Numbers of the amendments that the contract holds, in order."""
    line_code: str = "custcol_tl_line_code"
    line_billing_type: str = "custcol_tl_billing_type"
    line_schedule_row: str = "custcol_tl_schedule_row"
    """On lines of invoices: code of the schedule row they bill; empty: it is told by amount and order."""
    invoice_hold_reason: str = "custbody_tl_hold_reason"
    invoice_hold_text: str = "custbody_tl_hold_text"
    invoice_hold_since: str = "custbody_tl_hold_since"
    invoice_hold_missing: str = "custbody_tl_hold_missing"
    invoice_disputed: str = "custbody_tl_disputed"
    invoice_rejected: str = "custbody_tl_rejected"
    invoice_replaced_by: str = "custbody_tl_replaced_by"
    credit_kind: str = "custbody_tl_credit_kind"
    """On credit memos: what they are when they are no plain credit (`write-off`, `withholding`)."""
    line_start_on: str = ""
    line_end_on: str = ""

    @field_validator("*")
    @classmethod
    def _names_a_column(cls, name: str) -> str:
        # These names become part of SuiteQL text, where only values can be bound.
        if name and not _IDENTIFIER.fullmatch(name):
            raise ValueError("A custom field is named by its script id in lower case, like custentity_tl_crm_id.")
        return name

    @model_validator(mode="after")
    def _what_identity_needs(self) -> Self:
        needed = ("customer_crm_id", "project_contract_number", "contract_number", "contract_billing_hold", "line_code")
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"Custom fields needed to recognise our own records are not named: {', '.join(missing)}.")
        return self


class Prefixes(_Settings):
    """External ids are unique over a *group* of record types, so each kind has its own start. Sheet 3.1."""

    customer: str = "tl_cust_"
    contact: str = "tl_cont_"
    project: str = "tl_proj_"
    contract: str = "tl_so_"
    billing_schedule: str = "tl_bs_"
    cost_centre: str = "tl_dept_"
    credit_note: str = "tl_cm_"

    @field_validator("*")
    @classmethod
    def _is_plain(cls, prefix: str) -> str:
        if not re.fullmatch(r"[a-z0-9_]{1,12}", prefix):
            raise ValueError("A prefix of external ids has 1 to 12 lower-case letters, digits or underscores.")
        return prefix


class JobKind(_Settings):
    """How one of our billing types is written on a project: list ids of this account."""

    job_type: str = ""
    job_billing_type: str = ""


def _job_kinds() -> dict[BillingType, JobKind]:
    # A retainer's periods are dated rows with amounts of ours, and the vendor ties the type of a schedule to the
    # billing type of its project: hence milestone billing, not "fixed bid interval", which computes its own amounts.
    fixed, retainer = JobKind(job_type="1", job_billing_type="3"), JobKind(job_type="3", job_billing_type="3")
    time, cost = JobKind(job_type="2", job_billing_type="4"), JobKind(job_type="4", job_billing_type="1")
    return {
        BillingType.MILESTONES: fixed,
        BillingType.PERCENT_COMPLETE: fixed,
        BillingType.RETAINER: retainer,
        BillingType.TIME_AND_MATERIALS: time,
        BillingType.TIME_AND_MATERIALS_CAPPED: time,
        BillingType.COST_PLUS_FIXED_FEE: cost,
    }


def _hold_reasons() -> dict[str, HoldReason]:
    return {reason.value.replace("-", " "): reason for reason in HoldReason}


class NetSuiteConfig(_Settings):
    """One NetSuite account as Tieline uses it."""

    connection: ConnectionId = ConnectionId("erp-main")
    account_id: str = Field(pattern=r"^[A-Za-z0-9]{1,20}([_-][A-Za-z0-9]{1,12})?$")
    base_url: str = ""
    """Empty: the account's own host. Set for a simulator or a proxy."""
    ui_url: str = ""
    login: Annotated[M2mLogin | TbaLogin, Field(discriminator="kind")]
    concurrency: int = Field(default=4, ge=1, le=50)
    """Calls in flight: the smallest tier allows 5 over all integrations together. Sheet 6."""
    max_body_bytes: int = Field(default=20_000_000, gt=0)
    accept_language: str = "en"
    chart_ttl_s: float = Field(default=300.0, gt=0)
    custom: CustomFields = CustomFields()
    prefixes: Prefixes = Prefixes()
    job_kinds: dict[BillingType, JobKind] = Field(default_factory=_job_kinds)
    project_status_cancelled: str = "1"
    """Status of a project that was closed as cancelled; the list's names are the account's own. Sheet 2.4."""
    project_status_open: str = "2"
    """Status of a project that is opened again after that."""
    schedule_type: str = "FBM"
    """Fixed bid milestone: its amounts are money. Accounts that list ids instead of codes have `3` here."""
    milestone_table: str = "billingschedulemilestone"
    """SuiteQL's name for the rows of a billing schedule; empty: read each schedule as a record."""
    tax_registration_table: str = "entitytaxregistration"
    """SuiteQL's name for tax registrations (from memory, sheet 2.3); empty: match without tax numbers."""
    customer_subsidiary_column: bool = True
    """SuiteQL shows a customer's primary subsidiary as a column; accounts with shared customers may hide it."""
    custom_price_level: str = "-1"
    """Price level that lets a line have its own rate; empty: the account allows it anyway."""
    deleted_table: str = "deletedrecord"
    """SuiteQL's name for what was deleted; empty: a deleted invoice stays in the CRM as it was."""
    hold_reasons: dict[str, HoldReason] = Field(default_factory=_hold_reasons)
    """What the firm's list of hold reasons says, in lower case -> our reason; anything else is `other`."""
    event_secrets: tuple[SecretStr, ...] = ()
    """What the callout script signs with; two while a secret is being changed."""

    @field_validator("milestone_table", "tax_registration_table", "deleted_table")
    @classmethod
    def _names_a_table(cls, name: str) -> str:
        if name and not _IDENTIFIER.fullmatch(name):
            raise ValueError("A SuiteQL table is named in lower-case letters, digits and underscores.")
        return name

    @model_validator(mode="after")
    def _knows_every_billing_type(self) -> Self:
        if missing := sorted(set(BillingType) - set(self.job_kinds)):
            raise ValueError(f"job_kinds does not say how to write: {', '.join(missing)}.")
        return self

    @property
    def realm(self) -> str:
        """Account id as signatures spell it: upper case, underscore."""
        return self.account_id.upper().replace("-", "_")

    @property
    def host_name(self) -> str:
        """Account id as host names spell it: lower case, hyphen."""
        return self.account_id.lower().replace("_", "-")

    @property
    def root_url(self) -> str:
        """Where the REST services of this account are."""
        root = self.base_url or f"https://{self.host_name}.suitetalk.api.netsuite.com"
        return root.rstrip("/")

    @property
    def token_url(self) -> str:
        """Where a certificate is turned into a token."""
        return f"{self.root_url}/services/rest/auth/oauth2/v1/token"

    @property
    def screens_url(self) -> str:
        """Where people look at records."""
        return (self.ui_url or f"https://{self.host_name}.app.netsuite.com").rstrip("/")
