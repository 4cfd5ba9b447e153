"""SuiteQL texts. Values are always bound; only configured names, checked as identifiers, stand in the text."""

# ruff: noqa: S608 - only names from checked configuration stand in the texts; every value is bound

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.netsuite.config import NetSuiteConfig
from models.survey import SurveyQuestion

__all__ = ["CHART", "Query", "leading_words", "name_forms", "number_forms", "read_back", "survey"]

_MOST_LIKE_ROWS = 200
_MOST_NAMES = 20
_DAY = "'YYYY-MM-DD'"


@dataclass(frozen=True)
class Query:
    """Text with `?` for each value."""

    text: str
    params: tuple[str, ...] = ()


CHART = Query(
    "SELECT 'entity' AS kind, TO_CHAR(s.id) AS id, s.externalid AS code, s.name AS name, s.isinactive AS inactive,"
    " TO_CHAR(s.currency) AS extra, s.country AS country FROM subsidiary s"
    " UNION ALL SELECT 'currency', TO_CHAR(k.id), k.symbol, k.name, k.isinactive, TO_CHAR(k.currencyprecision), NULL"
    " FROM currency k"
    " UNION ALL SELECT 'terms', TO_CHAR(m.id), m.externalid, m.name, m.isinactive, NULL, NULL FROM term m"
    " UNION ALL SELECT 'cost-centre', TO_CHAR(d.id), d.externalid, d.name, d.isinactive, NULL, NULL FROM department d"
    " UNION ALL SELECT 'item', TO_CHAR(i.id), i.externalid, i.itemid, i.isinactive, NULL, NULL FROM item i"
    " WHERE i.itemtype IN ('Service', 'NonInvtPart') ORDER BY 1, 2"
)

# One shape for all branches of the survey: a union needs the same columns, and the vendor's database the same types.
_COLUMNS = (
    "kind", "id", "external_id", "number_", "name", "inactive", "entity", "currency", "account_id", "registration",
    "duns", "lei", "credit_hold", "tax_number", "tax_country", "street", "street2", "street3",
    "city", "region", "postal_code", "country",
    "contract_number", "amount", "start_on", "end_on", "other_entity", "terms", "funded", "cap",
    "with_options", "signed_on",
)  # fmt: skip


def survey(question: SurveyQuestion, config: NetSuiteConfig, *, with_addresses: bool) -> Query:
    """Customers that may be the buyer, and records under our keys: one call."""
    branches = [
        _customers(question, config, with_addresses=with_addresses),
        _near_names(question, config, with_addresses=with_addresses),
        _projects(question, config),
        _contracts(question, config),
        _schedules(question, config),
    ]
    found = [branch for branch in branches if branch is not None]
    return Query(
        " UNION ALL ".join(branch.text for branch in found) + " ORDER BY 1, 2",
        tuple(value for branch in found for value in branch.params),
    )


def read_back(contract: str, project: str, schedules: Sequence[str], config: NetSuiteConfig) -> Query:
    """Contract lines and schedule rows as finance will bill them, and both numbers: one call."""
    text = (  # names come from checked configuration, values are bound
        f"SELECT 'line' AS source, l.{config.custom.line_code} AS code, TO_CHAR(l.foreignamount) AS amount,"
        " NULL AS due_on, TO_CHAR(t.foreigntotal) AS total, TO_CHAR(t.currency) AS currency,"
        f" t.tranid AS number_, t.{config.custom.contract_billing_hold} AS hold"
        " FROM transactionline l JOIN transaction t ON t.id = l.transaction"
        " WHERE t.id = ? AND l.mainline = 'F' AND l.taxline = 'F'"
        " UNION ALL SELECT 'project', NULL, '0', NULL, NULL, NULL, j.entityid, NULL FROM job j WHERE j.id = ?"
        " UNION ALL SELECT 'customer', NULL, '0', NULL, NULL, NULL, c.entityid, NULL FROM customer c"
        " JOIN transaction t ON t.entity = c.id WHERE t.id = ?"
    )
    if schedules:
        text += (
            f" UNION ALL SELECT 'milestone', m.comments, TO_CHAR(m.milestoneamount), TO_CHAR(m.milestonedate, {_DAY}),"
            f" NULL, NULL, NULL, NULL FROM {config.milestone_table} m WHERE m.billingschedule IN ({_marks(schedules)})"
        )
    return Query(text, (contract, project, contract, *schedules))


def name_forms(names: Iterable[str]) -> tuple[str, ...]:
    """Spellings as the account may hold them, in capitals: as written, without accents, with German letter pairs."""
    pairs = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "ss"})
    found: list[str] = []
    for name in names:
        plain = " ".join(name.split())
        bare = "".join(letter for letter in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(letter))
        found += [form.upper() for form in (plain, bare, plain.translate(pairs))]
    return tuple(dict.fromkeys(form for form in found if form))


def leading_words(name: str) -> str:
    """Start of a name that is worth searching for: the first word, or more when it says little."""
    words = re.findall(r"[^\W_]+(?:['&.-][^\W_]+)*", name.upper())
    if words and words[0] == "THE":
        words = words[1:]
    taken: list[str] = []
    for word in words[:3]:
        taken.append(word)
        if len(word) >= _TELLING_LENGTH and word not in _COMMON_WORDS:
            break
    return " ".join(taken)


_TELLING_LENGTH = 4
_COMMON_WORDS = frozenset(
    ["ADVANCED", "AMERICAN", "APPLIED", "BANCO", "BANK", "BRITISH", "CENTRAL", "CITY", "COUNTY", "DEPARTMENT",
     "DEUTSCHE", "EASTERN", "EUROPEAN", "FEDERAL", "FIRST", "GENERAL", "GLOBAL", "GROUP", "HOTEL", "INTERNATIONAL",
     "MINISTRY", "NATIONAL", "NORTH", "NORTHERN", "PACIFIC", "ROYAL", "SOCIETE", "SOUTH", "SOUTHERN", "STATE",
     "UNITED", "UNIVERSAL", "UNIVERSITY", "WESTERN", "WORLD"]
)  # fmt: skip


def number_forms(numbers: Iterable[str]) -> tuple[str, ...]:
    """Ways in which a registration or tax number may stand in the account, compared without separators."""
    found: list[str] = []
    for number in numbers:
        compact = re.sub(r"[^0-9A-Z]", "", number.upper())
        found.append(compact)
        if re.match(r"[A-Z]{2}\d", compact):
            found.append(compact[2:])
    return tuple(dict.fromkeys(form for form in found if form))


def _customers(question: SurveyQuestion, config: NetSuiteConfig, *, with_addresses: bool) -> Query:
    custom = config.custom
    where: list[str] = ["c.externalid = ?"]
    params: list[str] = [config.prefixes.customer + question.customer_key]
    for column, value in (
        (custom.customer_crm_id, question.account_id),
        (custom.customer_registration_number, question.registration_number),
        (custom.customer_duns, question.duns),
        (custom.customer_lei, question.lei),
    ):
        if column and value:
            where.append(f"c.{column} = ?")
            params.append(value)
    if question.erp_customer_id.isdigit():
        where.append("c.id = ?")
        params.append(question.erp_customer_id)
    if names := name_forms(question.names)[:_MOST_NAMES]:
        where.append(f"UPPER(c.companyname) IN ({_marks(names)})")
        params += names
    if config.tax_registration_table and (numbers := number_forms(question.tax_numbers)):
        bare = "UPPER(REPLACE(REPLACE(REPLACE(REPLACE(x.taxregistrationnumber, ' ', ''), '-', ''), '.', ''), '/', ''))"
        where.append(f"{bare} IN ({_marks(numbers)})")
        params += numbers
    text = _select(_customer_columns(config, with_addresses=with_addresses), named=True)
    tables = _customer_tables(config, with_addresses=with_addresses)
    return Query(f"{text} FROM {tables} WHERE {' OR '.join(where)}", tuple(params))


def _near_names(question: SurveyQuestion, config: NetSuiteConfig, *, with_addresses: bool) -> Query | None:
    starts = dict.fromkeys(leading_words(form) for form in name_forms(question.names)[:_MOST_NAMES])
    params = [f"{the}{start}%" for start in starts if start for the in ("", "THE ")]
    if not params:
        return None
    likes = " OR ".join("UPPER(c.companyname) LIKE ?" for _ in params)
    inner = (
        f"{_select(_customer_columns(config, with_addresses=with_addresses), named=True)}"
        f" FROM {_customer_tables(config, with_addresses=with_addresses)}"
        f" WHERE ({likes}) AND ROWNUM <= {_MOST_LIKE_ROWS}"
    )
    return Query(f"SELECT {', '.join(f'n.{name}' for name in _COLUMNS)} FROM ({inner}) n", tuple(params))


def _customer_columns(config: NetSuiteConfig, *, with_addresses: bool) -> dict[str, str]:
    custom = config.custom
    columns = {
        "kind": "'customer'", "id": "TO_CHAR(c.id)", "external_id": "c.externalid", "number_": "c.entityid",
        "name": "c.companyname", "inactive": "c.isinactive", "entity": "TO_CHAR(r.subsidiary)",
        "currency": "TO_CHAR(c.currency)",
        "account_id": f"c.{custom.customer_crm_id}", "credit_hold": "c.creditholdoverride",
    }  # fmt: skip
    if config.customer_subsidiary_column:
        columns["other_entity"] = "TO_CHAR(c.subsidiary)"
    for name, column in (
        ("registration", custom.customer_registration_number), ("duns", custom.customer_duns),
        ("lei", custom.customer_lei),
    ):  # fmt: skip
        if column:
            columns[name] = f"c.{column}"
    if config.tax_registration_table:
        columns |= {"tax_number": "x.taxregistrationnumber", "tax_country": "x.nexuscountry"}
    if with_addresses:
        columns |= {"street": "a.addr1", "street2": "a.addr2", "street3": "a.addr3", "city": "a.city",
                    "region": "a.state", "postal_code": "a.zip",
                    "country": "a.country"}  # fmt: skip
    return columns


def _customer_tables(config: NetSuiteConfig, *, with_addresses: bool) -> str:
    text = "customer c LEFT JOIN customersubsidiaryrelationship r ON r.entity = c.id"
    if config.tax_registration_table:
        text += f" LEFT JOIN {config.tax_registration_table} x ON x.entity = c.id"
    if with_addresses:
        text += (
            " LEFT JOIN entityaddressbook b ON b.entity = c.id AND b.defaultbilling = 'T'"
            " LEFT JOIN entityaddress a ON a.nkey = b.addressbookaddress"
        )
    return text


def _projects(question: SurveyQuestion, config: NetSuiteConfig) -> Query:
    custom = config.custom
    columns = {
        "kind": "'project'", "id": "TO_CHAR(j.id)", "external_id": "j.externalid", "number_": "j.entityid",
        "name": "j.companyname", "inactive": "j.isinactive", "entity": "TO_CHAR(j.subsidiary)",
        "currency": "TO_CHAR(j.currency)", "contract_number": f"j.{custom.project_contract_number}",
        "amount": "TO_CHAR(j.jobprice)", "start_on": f"TO_CHAR(j.startdate, {_DAY})",
        "end_on": f"TO_CHAR(j.projectedenddate, {_DAY})",
    }  # fmt: skip
    where, params = _ours("j", config.prefixes.project, question, f"j.{custom.project_contract_number}")
    return Query(f"{_select(columns)} FROM job j WHERE {where}", params)


# Net of tax, which the document's own total is not; without the sign the ledger gives the lines of a sale.
_NET_TOTAL = (
    "(SELECT TO_CHAR(ABS(SUM(l.foreignamount))) FROM transactionline l"
    " WHERE l.transaction = t.id AND l.mainline = 'F' AND l.taxline = 'F')"
)


def _contracts(question: SurveyQuestion, config: NetSuiteConfig) -> Query:
    custom = config.custom
    columns = {
        "kind": "'contract'", "id": "TO_CHAR(t.id)", "external_id": "t.externalid", "number_": "t.tranid",
        "currency": "TO_CHAR(t.currency)", "contract_number": f"t.{custom.contract_number}",
        "amount": _NET_TOTAL, "signed_on": f"TO_CHAR(t.trandate, {_DAY})",
        "start_on": f"TO_CHAR(t.startdate, {_DAY})", "end_on": f"TO_CHAR(t.enddate, {_DAY})",
        "terms": "TO_CHAR(t.terms)",
    }  # fmt: skip
    for name, column in (
        ("funded", custom.contract_funded),
        ("cap", custom.contract_cap),
        ("with_options", custom.contract_with_options),
    ):
        if column:
            columns[name] = f"TO_CHAR(t.{column})"
    where, params = _ours("t", config.prefixes.contract, question, f"t.{custom.contract_number}")
    return Query(f"{_select(columns)} FROM transaction t WHERE t.type = 'SalesOrd' AND ({where})", params)


def _schedules(question: SurveyQuestion, config: NetSuiteConfig) -> Query | None:
    if not question.keys:
        return None
    columns = {
        "kind": "'billing-schedule'", "id": "TO_CHAR(s.id)", "external_id": "s.externalid", "number_": "s.name",
        "name": "s.name", "inactive": "s.isinactive",
    }  # fmt: skip
    where, params = _ours("s", config.prefixes.billing_schedule, question, None)
    return Query(f"{_select(columns)} FROM billingschedule s WHERE {where}", params)


def _ours(
    alias: str, prefix: str, question: SurveyQuestion, contract_column: str | None
) -> tuple[str, tuple[str, ...]]:
    where: list[str] = []
    params: list[str] = []
    if question.keys:
        where.append(f"{alias}.externalid IN ({_marks(question.keys)})")
        params += [prefix + key for key in question.keys]
    if contract_column is not None and question.contract_number:
        where.append(f"{contract_column} = ?")
        params.append(question.contract_number)
    return " OR ".join(where) or "1 = 0", tuple(params)


def _select(columns: dict[str, str], *, named: bool = False) -> str:
    shown = [(columns.get(name, "NULL"), name) for name in _COLUMNS]
    return "SELECT " + ", ".join(f"{text} AS {name}" if named else text for text, name in shown)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)
