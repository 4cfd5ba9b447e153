"""What the schema looks like from outside: the object list and the description of one object."""

from typing import Any

from sandbox.salesforce.schema import ObjectDef, Schema
from sandbox.salesforce.schema_notation import FieldDef

__all__ = ["describe_all", "describe_one", "resources", "summary"]

_SOAP_TYPES = {
    "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double", "currency": "xsd:double",
    "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime", "id": "tns:ID", "reference": "tns:ID",
    "base64": "xsd:base64Binary", "address": "urn:address",
}  # fmt: skip


def resources(base: str) -> dict[str, str]:
    """Return the resource map of one API version."""
    names = ("sobjects", "query", "queryAll", "limits", "composite")
    return {name: f"{base}/{name}" for name in names}


def describe_all(schema: Schema, base: str) -> dict[str, Any]:
    """Return the list of objects."""
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [summary(one, base) for one in schema]}


def summary(target: ObjectDef, base: str) -> dict[str, Any]:
    """Return the head of an object's description."""
    here = f"{base}/sobjects/{target.name}"
    return {
        "name": target.name,
        "label": target.name.removesuffix("__c").replace("_", " "),
        "keyPrefix": target.prefix,
        "custom": target.custom,
        "createable": True,
        "updateable": True,
        "deletable": target.name not in {"User", "Organization"},
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "searchable": True,
        "undeletable": True,
        "urls": {"sobject": here, "describe": f"{here}/describe", "rowTemplate": f"{here}/{{ID}}"},
    }


def describe_one(target: ObjectDef, base: str) -> dict[str, Any]:
    """Return the full description of an object."""
    return {
        **summary(target, base),
        "fields": [_field(one) for one in target.fields.values()],
        "childRelationships": [
            {
                "childSObject": child,
                "field": link,
                "relationshipName": name,
                "cascadeDelete": False,
                "restrictedDelete": False,
                "deprecatedAndHidden": False,
            }
            for name, child, link in target.children.values()
        ],
        "recordTypeInfos": [],
    }


def _field(one: FieldDef) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": one.label,
        "type": one.type,
        "soapType": _SOAP_TYPES.get(one.type, "xsd:string"),
        "length": one.length,
        "byteLength": one.length * 3,
        "precision": one.precision,
        "scale": one.scale,
        "digits": one.precision if one.type == "int" else 0,
        "nillable": one.nillable,
        "createable": one.createable,
        "updateable": one.updateable,
        "calculated": one.calculated,
        "autoNumber": one.name.endswith("Number") and one.calculated,
        "externalId": one.external_id,
        "idLookup": one.external_id or one.type == "id",
        "unique": one.unique,
        "caseSensitive": one.case_sensitive,
        "custom": one.name.endswith("__c"),
        "restrictedPicklist": one.restricted,
        "filterable": one.filterable,
        "sortable": one.filterable,
        "groupable": one.filterable and one.type not in {"double", "currency", "percent", "datetime"},
        "defaultedOnCreate": one.default is not None or one.type == "boolean",
        "defaultValue": one.default,
        "htmlFormatted": False,
        "nameField": one.name == "Name",
        "referenceTo": list(one.reference_to),
        "relationshipName": one.relationship,
        "picklistValues": [
            {"active": True, "defaultValue": value == one.default, "label": value, "validFor": None, "value": value}
            for value in one.values
        ],
    }
