"""Answers with the vendor's shapes: one deal with everything around it, and an adapter over a scripted transport."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx

from connectors.hubspot import HubSpotConfig, HubSpotDeals, build
from models.ids import ConnectionId, ContractNumber, DealId, ExternalKey, Step
from models.operations import WriteBackDeal
from models.records import Links, RecordKind, RecordRef

URL = "https://api.hubapi.com"
DEAL, COMPANY, PERSON, OWNER = "57404229253", "5686664638", "6001", "41629"
LINE, MILESTONE, RATE = "7001", "8001", "8501"
KEY = ExternalKey("hf-c-100-deal-0123456789ab")
Json = dict[str, Any]
Answering = Callable[[httpx.Request], httpx.Response | None]

PIPELINES: Json = {
    "results": [
        {
            "id": "75104382",
            "label": "Services",
            "stages": [
                {"id": "148213301", "label": "Won", "metadata": {"isClosed": "false", "probability": "0.9"}},
                {"id": "148213305", "label": "Signed", "metadata": {"isClosed": "true", "probability": "1.0"}},
                {"id": "148213306", "label": "Lost", "metadata": {"isClosed": "true", "probability": "0.0"}},
            ],
        }
    ]
}
PROPERTIES: Json = {
    "dealname": "Acme ERP rollout", "pipeline": "75104382", "dealstage": "148213305", "deal_currency_code": "EUR",
    "hubspot_owner_id": OWNER, "contract_number": " C-100 ", "amendment_number": None,
    "contract_status": "In Approval", "signed_total": "128250.10", "value_exercised": "128250", "value_funded": "",
    "header_discount_percent": "12.5", "start_on": "2026-12-01", "company_signed_on": "2026-11-19",
    "po_required": "true", "bill_to_country": "DE", "hs_object_id": DEAL,
}  # fmt: skip
CHILDREN: dict[str, list[Json]] = {
    "companies": [
        {"id": COMPANY, "properties": {
            "name": "Orme", "domain": "www.Orme.example", "country": "Germany", "address": "Ring 1", "address2": "Hof",
            "also_known_as": "Orme AG; Orme Consulting\nORME", "is_government": "false", "duns_number": "315000123"}},
    ],
    "contacts": [{"id": PERSON, "properties": {"lastname": "Berg", "email": "berg@orme.example"}}],
    "line_items": [
        {"id": LINE, "properties": {
            "name": "Run", "quantity": "2.5", "amount": "99.99", "billing_type": "Retainer", "bill_in": "Arrears",
            "period_anchor": "Calendar", "periods": "12", "service_line": "Operations", "description": None}},
    ],
    "p_tieline_milestone": [
        {"id": MILESTONE, "properties": {
            "name": "Design", "code": "D", "amount": "8333.33", "due_on": "2027-01-31", "trigger": "Acceptance",
            "line_codes": "L1, L2,", "sequence": "1"}},
    ],
    "p_tieline_rate": [
        {"id": RATE, "properties": {"role": "Partner", "rate_per_hour": "312.125", "currency": "EUR"}},
    ],
}  # fmt: skip
LINKS: Json = {
    "companies": {"results": [{"id": COMPANY, "type": "deal_to_company"},
                              {"id": COMPANY, "type": "deal_to_company_unlabeled"}]},
    "contacts": {"results": [{"id": PERSON, "type": "deal_to_contact"}, {"id": PERSON, "type": "billing"}]},
    "line items": {"results": [{"id": LINE, "type": "deal_to_line_item"}]},
    "p48211903_tieline_milestone": {"results": [{"id": MILESTONE, "type": "deal_to_tieline_milestone"}]},
    "p48211903_tieline_rate": {"results": [{"id": RATE, "type": "deal_to_tieline_rate"}]},
}  # fmt: skip


def answer(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(document), headers={"Content-Type": "application/json"})


def complaint(category: str, status: int, message: str = "no", **more: Any) -> httpx.Response:
    return answer({"status": "error", "category": category, "message": message, **more}, status)


def record(record_id: str, properties: Json, **more: Any) -> Json:
    return {"id": record_id, "properties": properties, "updatedAt": "2026-11-20T14:03:11.250Z", "archived": False,
            **more}  # fmt: skip


def batch(*records: Json, **more: Any) -> Json:
    return {"status": "COMPLETE", "results": list(records), **more}


class Scripted:
    """An account that holds one deal; `answering` goes first, and what it leaves is answered as the vendor would."""

    def __init__(self, answering: Answering = lambda _: None, *, login: Json | None = None, **settings: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.token_requests: list[httpx.Request] = []
        self.deal: Json = copy.deepcopy(PROPERTIES)
        self.children = copy.deepcopy(CHILDREN)
        self.links = copy.deepcopy(LINKS)
        self._answering = answering
        token = login or {"kind": "token", "access_token": "not-shown"}
        self.config = HubSpotConfig.model_validate({"login": token, **settings})
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))
        self.crm: HubSpotDeals = build(ConnectionId("crm-main"), self.config, self.http)

    def paths(self) -> list[str]:
        version = f"/{self.config.api_version}"
        return [f"{one.method} {one.url.path.replace(version, '')}" for one in self.requests]

    def sent(self, path: str) -> list[Any]:
        """Bodies of the requests to a path."""
        return [json.loads(one.content) for one in self.requests if one.url.path.endswith(path) and one.content]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/oauth/"):
            self.token_requests.append(request)
            return self._answering(request) or answer(
                {"access_token": f"T{len(self.token_requests)}", "refresh_token": "R", "expires_in": 1800}
            )
        self.requests.append(request)
        return self._answering(request) or self._usual(request)

    def _usual(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/crm/pipelines/"):
            return answer(PIPELINES)
        if path.startswith("/crm/owners/"):
            return answer({"id": OWNER, "email": "dana@example.com", "firstName": "Dana", "lastName": "Okafor"})
        if path.startswith("/account-info/"):
            return answer({"portalId": 48211903})
        if path.endswith("/batch/associate/default"):
            return answer(batch())
        if path.startswith("/crm/associations/"):
            return answer(batch())
        return self._object(request, path.split("/"))

    def _object(self, request: httpx.Request, path: list[str]) -> httpx.Response:
        kind, body = path[4], json.loads(request.content or b"{}")
        found = complaint("", 404, "resource not found")
        match request.method, path[5:]:
            case "POST", ["batch", "read"]:
                found = answer(batch(*self._read(kind, body)))
            case "POST", ["batch", "upsert"]:
                found = answer(batch(record("9001", {}, new=True)))
            case "GET", [key] if (kind, key) == ("deals", DEAL):
                shown = _asked(self.deal, request.url.params["properties"].split(","))
                found = answer(record(DEAL, shown, associations=self.links))
            case "POST", []:
                found = answer(record("9501", {}), 201)
            case "PATCH", [key]:
                found = answer(record(key, {}))
            case "DELETE", _:
                found = httpx.Response(204)
        return found

    def _read(self, kind: str, body: Json) -> list[Json]:
        rows: list[Json] = [{"id": DEAL, "properties": self.deal}] if kind == "deals" else self.children[kind]
        wanted = {one["id"] for one in body["inputs"]}
        return [record(row["id"], _asked(row["properties"], body["properties"])) for row in rows if row["id"] in wanted]


def _asked(properties: Json, names: list[str]) -> Json:
    """Only what was asked for comes back, as with the vendor; so a test fails when a property is read unasked."""
    return {name: properties.get(name) for name in names}


def links() -> Links:
    return Links(
        refs={
            Step(step): RecordRef(connection=ConnectionId("erp-main"), kind=kind, record_id=number, number=f"N{number}")
            for step, kind, number in (
                ("customer", RecordKind.CUSTOMER, "4711"),
                ("project", RecordKind.PROJECT, "88"),
                ("contract", RecordKind.CONTRACT, "99"),
            )
        }
    )


def write_back(deal: str = DEAL, account: str = COMPANY, owner: str = OWNER, **changes: Any) -> WriteBackDeal:
    facts: Json = {
        "key": KEY, "deal_id": DealId(deal), "account_id": account, "owner_id": owner,
        "contract_number": ContractNumber("C-100"), "status": "active", "customer_step": Step("customer"),
        "project_step": Step("project"), "contract_step": Step("contract"),
        "notify_subject": "Contract C-100: the project is open", "notify_text": "All set up.",
    }  # fmt: skip
    return WriteBackDeal(**{**facts, **changes})


def waiting(deal: str = DEAL, owner: str = OWNER, message: str = "Finance decides.") -> WriteBackDeal:
    return WriteBackDeal(
        key=KEY, deal_id=DealId(deal), owner_id=owner, contract_number=ContractNumber("C-100"), status="waiting",
        message=message,
    )  # fmt: skip
