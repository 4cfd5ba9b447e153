from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, field_validator

__all__ = ["CustomNames"]

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,99}|")


class CustomNames(BaseModel):
    """What the firm called its custom properties and objects (docs/vendors/demo-organisations.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    company_erp_id: str = "erp_customer_id"
    company_erp_number: str = "erp_customer_number"
    company_legal_name: str = "legal_name"
    company_aliases: str = "also_known_as"
    company_tax_number: str = "tax_number"
    company_registration_number: str = "registration_number"
    company_duns: str = "duns_number"
    company_lei: str = "lei"
    company_invoice_email: str = "invoice_email"
    company_is_government: str = "is_government"
    company_route_id: str = "route_id"
    contract_number: str = "contract_number"
    amendment_number: str = "amendment_number"
    contract_status: str = "contract_status"
    signing_entity: str = "signing_entity"
    customer_legal_name: str = "customer_legal_name"
    customer_signed_on: str = "customer_signed_on"
    company_signed_on: str = "company_signed_on"
    effective_on: str = "effective_on"
    start_on: str = "start_on"
    end_on: str = "end_on"
    end_with_options_on: str = "end_with_options_on"
    signed_total: str = "signed_total"
    value_with_options: str = "value_with_options"
    value_exercised: str = "value_exercised"
    value_funded: str = "value_funded"
    value_cap: str = "value_cap"
    cap_scope: str = "cap_scope"
    header_discount_percent: str = "header_discount_percent"
    estimated_cost: str = "estimated_cost"
    payment_terms: str = "payment_terms"
    po_required: str = "po_required"
    po_number: str = "po_number"
    po_limit: str = "po_limit"
    is_framework: str = "is_framework"
    at_risk: str = "at_risk"
    expense_policy: str = "expense_policy"
    acceptance_person: str = "acceptance_person"
    region: str = "region"
    notice_clause: str = "notice_clause"
    bill_to_name: str = "bill_to_name"
    bill_to_street: str = "bill_to_street"
    bill_to_city: str = "bill_to_city"
    bill_to_state: str = "bill_to_state"
    bill_to_postal_code: str = "bill_to_postal_code"
    bill_to_country: str = "bill_to_country"
    deal_erp_project_id: str = "erp_project_id"
    deal_erp_project_number: str = "erp_project_number"
    deal_erp_contract_number: str = "erp_contract_number"
    deal_status: str = "erp_sync_status"
    deal_message: str = "erp_sync_error"
    deal_synced_at: str = "erp_synced_at"
    deal_milestones: str = "tieline_milestones_json"
    deal_rates: str = "tieline_rates_json"
    deal_project_key: str = "tieline_project_key"
    deal_project_status: str = "tieline_project_status"
    deal_project_url: str = "tieline_project_url"
    deal_project_digest: str = "tieline_plan_digest"
    line_code: str = "line_code"
    line_service_line: str = "service_line"
    line_billing_type: str = "billing_type"
    line_start_on: str = "start_on"
    line_end_on: str = "end_on"
    line_cap: str = "value_cap"
    line_cap_scope: str = "cap_scope"
    line_cost_budget: str = "cost_budget"
    line_fixed_fee: str = "fixed_fee"
    line_measure: str = "progress_measure"
    line_frequency: str = "bill_frequency"
    line_billed_in: str = "bill_in"
    line_anchor: str = "period_anchor"
    line_fee_per_period: str = "fee_per_period"
    line_periods: str = "periods"
    line_indirect_rates: str = "indirect_rate_table"
    line_is_option: str = "is_option"
    milestone_object: str = "p_tieline_milestone"
    milestone_name: str = "name"
    milestone_code: str = "code"
    milestone_amount: str = "amount"
    milestone_due_on: str = "due_on"
    milestone_trigger: str = "trigger"
    milestone_line_codes: str = "line_codes"
    milestone_accepting_person: str = "accepting_person"
    milestone_sequence: str = "sequence"
    rate_object: str = "p_tieline_rate"
    rate_role: str = "role"
    rate_person: str = "person"
    rate_per_hour: str = "rate_per_hour"
    rate_currency: str = "currency"
    rate_valid_from: str = "valid_from"
    rate_valid_until: str = "valid_until"
    rate_estimated_hours: str = "estimated_hours"
    rate_line_code: str = "line_code"
    project_object: str = "p_tieline_project"
    project_key: str = "key"
    project_name: str = "name"
    project_contract_number: str = "contract_number"
    project_erp_id: str = "erp_project_id"
    project_number: str = "number"
    project_status: str = "status"
    project_url: str = "url"
    project_digest: str = "plan_digest"
    task_key: str = ""
    """A unique custom property of tasks, in an account that has one; with it a note cannot be doubled at all."""

    @field_validator("*")
    @classmethod
    def _is_identifier(cls, name: str) -> str:
        # These names become part of addresses; values never do.
        if not _IDENTIFIER.fullmatch(name):
            raise ValueError("An internal name has small letters, digits and underscores.")
        return name

    @field_validator("*")
    @classmethod
    def _only_the_task_key_may_be_absent(cls, name: str, info: object) -> str:
        if not name and getattr(info, "field_name", "") != "task_key":
            raise ValueError("A name is needed here.")
        return name
