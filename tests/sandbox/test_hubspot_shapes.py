"""Answers carry every member the vendor's own client describes as required, with values of the described kind."""

import json
import re
from pathlib import Path
from typing import Any

from sandbox.hubspot.schema import FILE
from tests.sandbox.hubspot_account import OBJECTS, V, hubspot

MODELS: dict[str, Any] = json.loads((Path(FILE).parent / "wire-models.json").read_text())["models"]
KINDS = {"str": str, "int": int, "bool": bool, "datetime": str, "object": object}


def model_named(name: str) -> dict[str, Any] | None:
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    found: dict[str, Any] | None = MODELS.get(snake)
    return found


def check(value: Any, kind: str, place: str) -> None:
    if kind.startswith("list["):
        assert isinstance(value, list), place
        for number, one in enumerate(value):
            check(one, kind[5:-1], f"{place}[{number}]")
    elif kind.startswith("dict[str, "):
        assert isinstance(value, dict), place
        for key, one in value.items():
            if one is not None:
                check(one, kind[10:-1], f"{place}.{key}")
    elif kind in KINDS:
        assert isinstance(value, KINDS[kind]), f"{place}: {value!r} is no {kind}"
        if kind == "datetime":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(value)), place
    elif (model := model_named(kind)) is not None:
        for field, shape in model.items():
            assert field in value or not shape.get("required"), f"{place} lacks {field}"
            if value.get(field) is not None:
                check(value[field], shape["type"], f"{place}.{field}")


async def test_answers_have_what_the_vendors_client_requires() -> None:
    async with hubspot(state="demo", search_per_second=50) as portal:
        deal = (await portal.search("deals", limit=1))["results"][0]["id"]
        read = f"{OBJECTS}/deals/{deal}?associations=companies,line_items&propertiesWithHistory=dealname"
        ids = {"inputs": [{"id": deal}]}
        new = [{"objectWriteTraceId": "a", "properties": {"dealname": "x"}},
               {"objectWriteTraceId": "b", "properties": {"amount": "x"}}]  # fmt: skip
        upsert = {"inputs": [{"id": "k1", "idProperty": "key", "properties": {"number": "1"}}]}
        links = f"/crm/associations/{V}/deals/companies"
        company = (await portal.call("POST", f"{links}/batch/read", ids))["results"][0]["to"][0]["toObjectId"]
        pair = {"from": {"id": deal}, "to": {"id": company},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]}  # fmt: skip
        asked: list[tuple[str, str, Any, int, str]] = [
            ("GET", read, None, 200, "SimplePublicObjectWithAssociations"),
            ("GET", f"{OBJECTS}/deals?limit=3", None, 200,
             "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging"),
            ("POST", f"{OBJECTS}/deals/search", {"limit": 2}, 200,
             "CollectionResponseWithTotalSimplePublicObjectForwardPaging"),
            ("POST", f"{OBJECTS}/deals/batch/read", ids, 200, "BatchResponseSimplePublicObject"),
            ("POST", f"{OBJECTS}/deals/batch/create", {"inputs": new}, 207,
             "BatchResponseSimplePublicObjectWithErrors"),
            ("POST", f"{OBJECTS}/tieline_project/batch/upsert", upsert, 200, "BatchResponseSimplePublicUpsertObject"),
            ("PATCH", f"{OBJECTS}/deals/{deal}", {"properties": {"amount": "x"}}, 400, "Error"),
            ("POST", f"{links}/batch/read", ids, 200, "BatchResponsePublicAssociationMultiWithLabel"),
            ("POST", f"{links}/batch/create", {"inputs": [pair]}, 201, "BatchResponseLabelsBetweenObjectPair"),
            ("POST", f"{links}/batch/associate/default", {"inputs": [pair]}, 200,
             "BatchResponsePublicDefaultAssociation"),
            ("GET", f"/crm/properties/{V}/deals/contract_status", None, 200, "ModelProperty"),
            ("GET", f"/crm-object-schemas/{V}/schemas/tieline_project", None, 200, "ObjectSchema"),
            ("GET", f"/crm/pipelines/{V}/deals/default", None, 200, "Pipeline"),
            ("GET", f"/crm/owners/{V}/41629779", None, 200, "PublicOwner"),
        ]  # fmt: skip
        for method, path, body, status, model in asked:
            assert model_named(model) is not None, model
            check(await portal.call(method, path, body, status), model, f"{method} {path}")
