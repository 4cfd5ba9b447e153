"""Pages of results and their links, for collections and for queries."""

from typing import Any

from sandbox.netsuite.errors import Detail, NsError

__all__ = ["page"]

_MOST = 1000
_MOST_RESULTS = 100_000


def page(items: list[Any], query: dict[str, str], address: str, method: str = "GET") -> dict[str, Any]:
    """Return one page; the offset must be a multiple of the limit."""
    limit, offset = _number(query, "limit", _MOST), _number(query, "offset", 0)
    if not 0 < limit <= _MOST:
        raise _invalid("The limit must be between 1 and 1000.", "limit")
    if offset % limit:
        raise _invalid("The offset must be divisible by the limit.", "offset")
    if offset >= _MOST_RESULTS:
        raise _invalid("The offset is beyond the 100000 results a search returns.", "offset")
    found = items[offset : offset + limit]
    more = offset + limit < len(items)

    def link(rel: str, at: int) -> dict[str, str]:
        extra = {"method": method} if rel == "self" else {}
        return {"rel": rel, "href": f"{address}?limit={limit}&offset={at}", **extra}

    links = [link("self", offset)]
    if more:
        links += [link("next", offset + limit), link("last", (len(items) - 1) // limit * limit)]
    if offset:
        links += [link("first", 0), link("previous", offset - limit)]
    return {"links": links, "count": len(found), "hasMore": more, "items": found, "offset": offset,
            "totalResults": len(items)}  # fmt: skip


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit():
        raise _invalid(f"The {name} must be a whole number.", name)
    return int(text)


def _invalid(text: str, name: str) -> NsError:
    return NsError(400, Detail(text, "INVALID_PARAMETER", query=name))
