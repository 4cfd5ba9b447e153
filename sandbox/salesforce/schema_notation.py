"""The short notation in which the schema files type a field, such as `text(255) external unique`."""

import re
from dataclasses import dataclass, replace

__all__ = ["NUMERIC", "TEXTUAL", "FieldDef", "parse_field"]

NUMERIC = frozenset({"currency", "double", "percent", "int"})
TEXTUAL = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url"})
_TYPES = {
    "text": "string",
    "longtext": "textarea",
    "bool": "boolean",
    "lookup": "reference",
    "masterdetail": "reference",
    "multipicklist": "multipicklist",
}
_LENGTHS = {"email": 80, "phone": 40, "url": 255, "string": 255, "picklist": 255, "multipicklist": 4099}
_SHAPE = re.compile(r"(?P<type>\w+)(?:\((?P<inside>[^)]*)\))?(?P<words>.*)")
_FLAGS = frozenset({"required", "external", "unique", "casesensitive", "restricted", "ro", "system", "createonly"})


@dataclass(frozen=True)
class FieldDef:
    """One field as describe shows it."""

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    calculated: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    restricted: bool = False
    filterable: bool = True
    values: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    child_relationship: str | None = None
    cascade: bool = False
    default: str | None = None

    @property
    def required_on_create(self) -> bool:
        """Tell whether a create without this field is refused."""
        return not self.nillable and self.createable and self.default is None and self.type != "boolean"

    @property
    def label(self) -> str:
        """Return the label the vendor's messages use."""
        words = re.sub(r"(__c|Id)$", "", self.name).replace("_", " ")
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words).strip()


def parse_field(name: str, text: str) -> FieldDef:
    """Read one field; raises ValueError when the notation is unknown."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError(f"The schema types {name} as {text!r}, which is no field type.")
    inside = match["inside"] or ""
    rest, _, default = match["words"].partition("default=")
    flags = set(rest.split())
    if unknown := flags - _FLAGS:
        raise ValueError(f"The schema gives {name} the unknown words {', '.join(sorted(unknown))}.")
    field = _typed(name, match["type"], inside)
    locked = bool(flags & {"ro", "system"})
    return replace(
        field,
        nillable="required" not in flags and match["type"] != "masterdetail" and field.type != "boolean",
        createable=not locked and field.type != "address",
        updateable=not locked and "createonly" not in flags and field.type != "address",
        calculated="ro" in flags,
        external_id="external" in flags,
        unique="unique" in flags,
        case_sensitive="casesensitive" in flags,
        restricted="restricted" in flags,
        default=default.strip() or None,
    )


def _typed(name: str, word: str, inside: str) -> FieldDef:
    kind = _TYPES.get(word, word)
    if kind == "reference":
        targets, _, child = inside.partition(".")
        return FieldDef(
            name,
            kind,
            length=18,
            reference_to=tuple(targets.split(",")),
            relationship=name.removesuffix("__c") + "__r" if name.endswith("__c") else name.removesuffix("Id"),
            child_relationship=child or None,
            cascade=word == "masterdetail",
        )
    if kind in {"picklist", "multipicklist"}:
        return FieldDef(name, kind, length=_LENGTHS[kind], values=tuple(inside.split("|")))
    if kind in NUMERIC:
        precision, _, scale = inside.partition(",")
        digits, decimals = int(precision), int(scale or "0")
        if kind == "percent":
            digits += decimals
        return FieldDef(name, kind, precision=digits, scale=decimals)
    length = int(inside) if inside else _LENGTHS.get(kind, 0)
    return FieldDef(name, kind, length=length, filterable=kind not in {"base64", "address"} and word != "longtext")
