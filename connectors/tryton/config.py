from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from models.ids import ConnectionId
from models.terms import BillingType

__all__ = ["INVOICE_METHODS", "TrytonConfig"]

INVOICE_METHODS = {
    # A milestone is a task that is billed when somebody marks it as done; its list price is the amount. Sheet 2.7.
    BillingType.MILESTONES: "effort",
    BillingType.RETAINER: "effort",
    BillingType.PERCENT_COMPLETE: "progress",
    BillingType.TIME_AND_MATERIALS: "timesheet",
    BillingType.TIME_AND_MATERIALS_CAPPED: "timesheet",
    BillingType.COST_PLUS_FIXED_FEE: "manual",
}
"""How a project of that billing type earns its invoices, in the ERP's words."""

_EU = ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
       "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK")  # fmt: skip


def _payment_terms() -> dict[str, str]:
    return {
        "DUE_ON_RECEIPT": "Upon Receipt", "NET10": "Net 10 days", "NET15": "Net 15 days", "NET30": "Net 30 days",
        "NET45": "Net 45 days", "NET60": "Net 60 days",
    }  # fmt: skip


def _tax_types() -> dict[str, str]:
    others = {"US": "us_ein", "GB": "gb_vat", "CH": "ch_vat", "NO": "no_mva", "CA": "ca_bn", "AU": "au_abn"}
    return dict.fromkeys(_EU, "eu_vat") | others


class TrytonConfig(BaseModel):
    """One Tryton database as Tieline uses it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connection: ConnectionId = ConnectionId("erp-main")
    base_url: str = Field(pattern=r"^https?://[^/?#\s]+/?$")
    """Where the server listens, without the database."""
    database: str = Field(pattern=r"^[A-Za-z0-9_-]{1,63}$")
    api_key: SecretStr
    """Key of the integration user's application `rest`; its rights are the user's."""
    has_uniqueness_module: bool
    """Whether the module `tieline` is installed in the database. It is compared with the database before a plan."""
    concurrency: int = Field(default=8, ge=1, le=50)
    max_body_bytes: int = Field(default=20_000_000, gt=0)
    chart_ttl_s: float = Field(default=300.0, gt=0)
    payment_terms: dict[str, str] = Field(default_factory=_payment_terms)
    """Our code of payment terms to the name they have in the ERP, which keeps no code for them."""
    tax_identifier_types: dict[str, str] = Field(default_factory=_tax_types)
    """Country of a tax number to the ERP's kind of identifier, which checks the number's form."""
    contact_relation: str = "is contact of"
    """Name of the relation type from a person to the customer."""
    cost_centre_root: str = "CC"
    """Code of the analytic root under which cost centres stand."""
    schedule_items: dict[str, str] = Field(
        default_factory=lambda: {"fixed-bid-milestone": "SVC-FIXED", "fixed-bid-interval": "SVC-RETAINER"}
    )
    """Billing rule of a schedule to the item its rows are invoiced as."""

    @field_validator("api_key")
    @classmethod
    def _is_there(cls, key: SecretStr) -> SecretStr:
        if not key.get_secret_value().strip():
            raise ValueError("The API key is empty. Make one for the integration user: Preferences > Applications.")
        return key

    @property
    def root_url(self) -> str:
        """Where the records of this database are."""
        return f"{self.base_url.rstrip('/')}/{self.database}/rest/model"

    @property
    def screens_url(self) -> str:
        """Where people look at records in the web client."""
        return f"{self.base_url.rstrip('/')}/#{self.database}/model"
