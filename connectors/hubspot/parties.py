from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.fields import Row
from connectors.hubspot.schemas import Linked, Record
from models.errors import NeedsRepair
from models.party import Address, BuyerIdentity, ContactPerson, ContactRole
from models.roles import Role

__all__ = ["buying_company", "to_buyer", "to_contacts"]

_PRIMARY = frozenset({"deal_to_company", "primary"})
"""The type of the primary company; every other association says `deal_to_company_unlabeled` or its label."""
_ROLES = {"billing": ContactRole.BILLING, "signer": ContactRole.SIGNER}
_MOST_TELLING = (ContactRole.BILLING, ContactRole.SIGNER, ContactRole.OTHER)
_SCHEMES = ("https://", "http://")


def buying_company(links: Sequence[Linked], deal: str) -> str:
    """The one company that buys: the only one on the deal, or its primary one. Nobody to bill is a stop."""
    companies = list(dict.fromkeys(link.id for link in links))
    primary = list(dict.fromkeys(link.id for link in links if link.type.lower() in _PRIMARY))
    if len(companies) == 1:
        return companies[0]
    if len(primary) == 1:
        return primary[0]
    what = "has no company" if not companies else f"has {len(companies)} companies and none of them is the primary one"
    raise NeedsRepair(
        f"Deal {deal} {what}. Make the company that buys its primary company in the CRM, then press Retry.",
        code="TL-CON-015",
        record=deal,
        field="primary company",
        owner=Role.SALES_OPERATIONS,
    )


def to_buyer(company: Record | None, company_id: str, deal: str, config: HubSpotConfig) -> BuyerIdentity:
    """Who buys."""
    if company is None:
        raise _hidden(deal, f"company {company_id}", "primary company")
    row, n = Row(company.properties, deal=deal, where="company "), config.names
    aliases = [item.strip() for item in row.text(n.company_aliases).replace("\n", ";").split(";")]
    street = "\n".join(part for part in (row.text("address"), row.text("address2")) if part)
    return BuyerIdentity(
        account_id=company.id,
        name=row.needed("name", "company name"),
        legal_name=row.text(n.company_legal_name),
        aliases=tuple(item for item in aliases if item)[:20],
        address=Address(
            street=street,
            city=row.text("city"),
            region=row.text("state"),
            postal_code=row.text("zip"),
            country=row.country("country", config.countries),
        ),
        tax_number=row.text(n.company_tax_number),
        registration_number=row.text(n.company_registration_number),
        duns=row.text(n.company_duns),
        lei=row.text(n.company_lei),
        domain=_domain(row.text("domain") or row.text("website")),
        invoice_email=row.text(n.company_invoice_email),
        is_government=row.flag(n.company_is_government),
        route_id=row.text(n.company_route_id),
        erp_customer_id=row.text(n.company_erp_id),
    )


def to_contacts(
    links: Iterable[Linked], records: Mapping[str, Record], deal: str, config: HubSpotConfig
) -> tuple[ContactPerson, ...]:
    """Each person once, in the role that tells most: billing before signer before other."""
    roles: dict[str, ContactRole] = {}
    for link in links:
        known = config.contact_roles.get(link.type.strip().lower().replace(" ", "_"), "")
        role = _ROLES.get(known, ContactRole.OTHER)
        before = roles.get(link.id, role)
        roles[link.id] = min(before, role, key=_MOST_TELLING.index)
    return tuple(_person(person, records.get(person), role, deal) for person, role in roles.items())


def _person(person: str, record: Record | None, role: ContactRole, deal: str) -> ContactPerson:
    if record is None:
        raise _hidden(deal, f"contact {person}", "contact")
    row = Row(record.properties, deal=deal, where=f"contact {person} ")
    return ContactPerson(
        code=record.id,
        first_name=row.text("firstname"),
        last_name=row.needed("lastname", "last name of a contact"),
        email=row.text("email"),
        phone=row.text("phone"),
        title=row.text("jobtitle"),
        role=role,
    )


def _hidden(deal: str, what: str, field: str) -> NeedsRepair:
    return NeedsRepair(
        f"Deal {deal}: {what} was archived or is hidden from our app. Restore it or take it off the deal, then press "
        "Retry.",
        code="TL-CON-015",
        record=deal,
        field=field,
        owner=Role.SALES_OPERATIONS,
    )


def _domain(website: str) -> str:
    host = website.strip().casefold()
    for scheme in _SCHEMES:
        host = host.removeprefix(scheme)
    return host.partition("/")[0].removeprefix("www.")
