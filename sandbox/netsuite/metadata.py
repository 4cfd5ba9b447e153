"""The metadata catalogue, as far as generic clients read it."""

from typing import Any

from sandbox.kit import Request, Response
from sandbox.netsuite.errors import Detail, NsError
from sandbox.netsuite.schema import Field, RecordType, record_types, type_named

__all__ = ["metadata_answer"]

_JSON_TYPES = {"string": {"type": "string"}, "number": {"type": "number"}, "boolean": {"type": "boolean"},
               "date": {"type": "string", "format": "date"}, "datetime": {"type": "string", "format": "date-time"},
               "any": {}}  # fmt: skip


def metadata_answer(request: Request, base: str, parts: list[str]) -> Response:
    """Answer the list of record types, or one type as JSON Schema or within an OpenAPI document."""
    wanted = parts or [name for name in request.query.get("select", "").split(",") if name]
    kinds = [_known(name) for name in wanted]
    accept = request.header("accept")
    if "swagger+json" in accept:
        schemas = {kind.name: _schema(kind) for kind in kinds or record_types().values()}
        paths: dict[str, Any] = {f"/record/v1/{name}": {"get": {}, "post": {}} for name in schemas}
        document = {"openapi": "3.0.1", "info": {"title": "REST Record Service", "version": "v1"}, "paths": paths,
                    "components": {"schemas": schemas}}  # fmt: skip
        return Response.of_json(200, document, content_type="application/swagger+json; charset=UTF-8")
    if parts and "schema+json" in accept:
        return Response.of_json(200, _schema(kinds[0]), content_type="application/schema+json; charset=UTF-8")
    catalogue = f"{base}/record/v1/metadata-catalog"
    items = [
        {"name": kind.name, "links": [{"rel": "canonical", "href": f"{catalogue}/{kind.name}"}]}
        for kind in kinds or record_types().values()
    ]
    return Response.of_json(200, {"links": [{"rel": "self", "href": catalogue}], "items": items})


def _known(name: str) -> RecordType:
    if (kind := type_named(name)) is None:
        url = f"/services/rest/record/v1/metadata-catalog/{name}"
        raise NsError(404, Detail(f"Record type '{name}' does not exist.", "NONEXISTENT_ID", url=url))
    return kind


def _schema(kind: RecordType) -> dict[str, Any]:
    return {"type": "object", "title": kind.name, "properties": {name: _type(one) for name, one in kind.fields.items()}}


def _type(field: Field) -> dict[str, Any]:
    if field.kind in {"ref", "enum"}:
        return {"type": "object", "properties": {"id": {"type": "string"}, "refName": {"type": "string"}}}
    if field.kind in {"sublist", "select"}:
        lines = {name: _type(one) for name, one in field.lines.items()}
        return {"type": "object", "properties": {"items": {"type": "array", "items": {"properties": lines}}}}
    return dict(_JSON_TYPES[field.kind])
