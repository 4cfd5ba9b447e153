from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from models.ids import ConnectionId

__all__ = ["ClientCredentialsLogin", "CustomNames", "JwtLogin", "SalesforceConfig"]

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class JwtLogin(_Settings):
    """JWT bearer: a certificate uploaded to the app, no secret on the wire. Sheet 1.1."""

    kind: Literal["jwt"] = "jwt"
    consumer_key: str
    username: str
    private_key_pem: SecretStr
    audience: str = "https://login.salesforce.com"


class ClientCredentialsLogin(_Settings):
    """Client credentials, sent to the org's own host. Sheet 1.2."""

    kind: Literal["client-credentials"] = "client-credentials"
    consumer_key: str
    consumer_secret: SecretStr


class CustomNames(_Settings):
    """What the firm called its custom fields and objects (docs/vendors/demo-organisations.md)."""

    account_erp_id: str = "ERP_Customer_Id__c"
    account_erp_number: str = "ERP_Customer_Number__c"
    account_erp_terms: str = "ERP_Payment_Terms__c"
    """Shows the ERP's payment terms; empty: the org has no such field."""
    account_erp_credit_hold: str = "ERP_Credit_Hold__c"
    """Shows whether the ERP holds the customer's credit; empty: the org has no such field."""
    account_legal_name: str = "Legal_Name__c"
    account_aliases: str = "Also_Known_As__c"
    account_tax_number: str = "Tax_Number__c"
    account_registration_number: str = "Registration_Number__c"
    account_duns: str = "DUNS_Number__c"
    account_lei: str = "LEI__c"
    account_invoice_email: str = "Invoice_Email__c"
    account_is_government: str = "Is_Government__c"
    account_route_id: str = "Route_Id__c"
    contract_number: str = "Contract_Number__c"
    amendment_number: str = "Amendment_Number__c"
    amends_after: str = "Amends_After__c"
    amendment_label: str = "Amendment_Label__c"
    amendment_kind: str = "Amendment_Kind__c"
    amendment_replaces: str = "Replaces_Amendments__c"
    amendment_values: str = "Amendment_Values__c"
    unbilled_percent: str = "Unbilled_Change_Percent__c"
    work_stops_on: str = "Work_Stops_On__c"
    settlement: str = "Settlement__c"
    contract_status: str = "Contract_Status__c"
    signing_entity: str = "Signing_Entity__c"
    customer_legal_name: str = "Customer_Legal_Name__c"
    customer_signed_on: str = "Customer_Signed_On__c"
    company_signed_on: str = "Company_Signed_On__c"
    effective_on: str = "Effective_On__c"
    start_on: str = "Start_On__c"
    end_on: str = "End_On__c"
    end_with_options_on: str = "End_With_Options_On__c"
    signed_total: str = "Signed_Total__c"
    value_with_options: str = "Value_With_Options__c"
    value_exercised: str = "Value_Exercised__c"
    value_funded: str = "Value_Funded__c"
    value_cap: str = "Value_Cap__c"
    cap_scope: str = "Cap_Scope__c"
    header_discount_percent: str = "Header_Discount_Percent__c"
    estimated_cost: str = "Estimated_Cost__c"
    payment_terms: str = "Payment_Terms__c"
    po_required: str = "PO_Required__c"
    po_number: str = "PO_Number__c"
    po_limit: str = "PO_Limit__c"
    is_framework: str = "Is_Framework__c"
    at_risk: str = "At_Risk__c"
    expense_policy: str = "Expense_Policy__c"
    acceptance_person: str = "Acceptance_Person__c"
    region: str = "Region__c"
    notice_clause: str = "Notice_Clause__c"
    bill_to_name: str = "Bill_To_Name__c"
    bill_to_street: str = "Bill_To_Street__c"
    bill_to_city: str = "Bill_To_City__c"
    bill_to_state: str = "Bill_To_State__c"
    bill_to_postal_code: str = "Bill_To_Postal_Code__c"
    bill_to_country: str = "Bill_To_Country__c"
    deal_erp_project_id: str = "ERP_Project_Id__c"
    deal_erp_project_number: str = "ERP_Project_Number__c"
    deal_erp_contract_number: str = "ERP_Contract_Number__c"
    deal_status: str = "ERP_Sync_Status__c"
    deal_message: str = "ERP_Sync_Error__c"
    deal_synced_at: str = "ERP_Synced_At__c"
    line_code: str = "Line_Code__c"
    line_billing_type: str = "Billing_Type__c"
    line_start_on: str = "Start_On__c"
    line_end_on: str = "End_On__c"
    line_cap: str = "Value_Cap__c"
    line_cap_scope: str = "Cap_Scope__c"
    line_cost_budget: str = "Cost_Budget__c"
    line_fixed_fee: str = "Fixed_Fee__c"
    line_measure: str = "Progress_Measure__c"
    line_frequency: str = "Bill_Frequency__c"
    line_billed_in: str = "Bill_In__c"
    line_anchor: str = "Period_Anchor__c"
    line_fee_per_period: str = "Fee_Per_Period__c"
    line_periods: str = "Periods__c"
    line_indirect_rates: str = "Indirect_Rate_Table__c"
    line_is_option: str = "Is_Option__c"
    line_exercises_option: str = "Exercises_Option__c"
    milestones: str = "Tieline_Milestones__r"
    milestone_code: str = "Code__c"
    milestone_amount: str = "Amount__c"
    milestone_due_on: str = "Due_On__c"
    milestone_trigger: str = "Trigger__c"
    milestone_line_codes: str = "Line_Codes__c"
    milestone_accepting_person: str = "Accepting_Person__c"
    milestone_sequence: str = "Sequence__c"
    milestone_change: str = "Change__c"
    milestone_parts: str = "Parts__c"
    milestone_part_dates: str = "Part_Dates__c"
    milestone_merges: str = "Merges__c"
    rates: str = "Tieline_Rates__r"
    rate_role: str = "Role__c"
    rate_person: str = "Person__c"
    rate_per_hour: str = "Rate_Per_Hour__c"
    rate_currency: str = "Currency__c"
    rate_valid_from: str = "Valid_From__c"
    rate_valid_until: str = "Valid_Until__c"
    rate_estimated_hours: str = "Estimated_Hours__c"
    rate_line_code: str = "Line_Code__c"
    project_object: str = "Tieline_Project__c"
    project_key: str = "Key__c"
    project_deal: str = "Opportunity__c"
    project_contract_number: str = "Contract_Number__c"
    project_erp_id: str = "ERP_Project_Id__c"
    project_number: str = "Number__c"
    project_status: str = "Status__c"
    project_url: str = "URL__c"
    project_digest: str = "Plan_Digest__c"
    invoice_object: str = "Tieline_Invoice__c"
    invoice_key: str = "Key__c"
    invoice_deal: str = "Opportunity__c"
    invoice_account_relation: str = "Account__r"
    invoice_kind: str = "Kind__c"
    invoice_document: str = "Document_Status__c"
    invoice_settlement: str = "Settlement__c"
    invoice_flags: str = "Flags__c"
    invoice_is_overdue: str = "Is_Overdue__c"
    invoice_amount: str = "Amount__c"
    invoice_paid: str = "Paid__c"
    invoice_credited: str = "Credited__c"
    invoice_balance: str = "Balance__c"
    invoice_issued_on: str = "Issued_On__c"
    invoice_due_on: str = "Due_On__c"
    invoice_sentence: str = "In_One_Sentence__c"
    invoice_digest: str = "Digest__c"
    deal_billing_currency: str = "Billing_Currency__c"
    deal_invoiced: str = "Amount_Invoiced__c"
    deal_credited: str = "Amount_Credited__c"
    deal_paid: str = "Amount_Paid__c"
    deal_open: str = "Amount_Open__c"
    deal_overdue: str = "Amount_Overdue__c"
    deal_next_milestone: str = "Next_Milestone__c"
    deal_project_status: str = "ERP_Project_Status__c"
    deal_hold: str = "Invoice_Hold__c"
    deal_billing_sentence: str = "Billing_Sentence__c"
    account_billing: str = "Billing_Totals__c"
    account_hold: str = "Invoice_Hold__c"

    @field_validator("*")
    @classmethod
    def _is_identifier(cls, name: str) -> str:
        # These names become part of a query's text; values never do.
        if name and not _IDENTIFIER.fullmatch(name):
            raise ValueError("An API name has letters, digits and underscores.")
        return name

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        optional = {"account_erp_terms", "account_erp_credit_hold"}
        if missing := [name for name, value in self if not value and name not in optional]:
            raise ValueError(f"These names must not be empty: {', '.join(missing)}.")
        return self


class SalesforceConfig(_Settings):
    """One org as Tieline uses it."""

    connection: ConnectionId = ConnectionId("crm-main")
    base_url: str = Field(pattern=r"^https?://[^/?#]+/?$")
    """The org's own host (My Domain)."""
    api_version: str = Field(default="67.0", pattern=r"^[1-9]\d{1,2}\.0$")
    login: Annotated[JwtLogin | ClientCredentialsLogin, Field(discriminator="kind")]
    multi_currency: bool = True
    default_currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    """Currency of every amount where multi-currency is off; without it there is no field that says so."""
    countries: dict[str, str] = {"UK": "GB"}
    """What this org's country fields say besides ISO codes and ISO names -> ISO 3166-1 alpha-2."""
    task_status: str = "Not Started"
    task_priority: str = "Normal"
    """What the org's lists of tasks call an open note of usual weight."""
    concurrency: int = Field(default=10, ge=1, le=25)
    """Calls in flight; the vendor limits only those of 20 seconds and more. Sheet 6."""
    max_body_bytes: int = Field(default=20_000_000, gt=0)
    names: CustomNames = CustomNames()
    organization_id: str = Field(default="", pattern=r"^(00D[A-Za-z0-9]{12}([A-Z0-5]{3})?)?$")
    """Id of the org: outbound messages of any other are refused, and the event bus asks for it."""
    bus_url: str = Field(default="", pattern=r"^(https?://[^/?#\s]+)?$")
    """Where the event bus answers (https://api.pubsub.salesforce.com:7443); empty: it is not read."""
    bus_topics: tuple[str, ...] = (
        "/data/OpportunityChangeEvent",
        "/data/AccountChangeEvent",
        "/data/ContactChangeEvent",
    )
    """Objects that are selected for change events in the org; one of them left out is swept alone."""
    sweep_every_s: float = Field(default=300.0, ge=0, le=86_400)
    """How often the org is asked which deals changed, for what no event told; 0: never."""
    event_secrets: tuple[SecretStr, ...] = ()
    """What the org's callout signs with; two while a secret is being changed."""

    @field_validator("base_url", "bus_url")
    @classmethod
    def _keeps_tokens_private(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("Only an address of this machine may do without encryption. Use https://.")
        return url

    @model_validator(mode="after")
    def _knows_a_currency(self) -> Self:
        if not self.multi_currency and not self.default_currency:
            raise ValueError("Where multi_currency is off, default_currency must name the org's one currency.")
        if self.bus_url and not self.organization_id:
            raise ValueError("The event bus asks for the org's id: set organization_id beside bus_url.")
        return self

    @property
    def root_url(self) -> str:
        """Where the org answers."""
        return self.base_url.rstrip("/")

    @property
    def data_path(self) -> str:
        """Start of every data path."""
        return f"/services/data/v{self.api_version}"
