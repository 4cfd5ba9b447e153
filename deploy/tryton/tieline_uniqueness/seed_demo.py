# SPDX-License-Identifier: GPL-3.0-or-later
"""A company with books for this year and the next, ready for Tieline. Runs inside Tryton's own environment.

python seed_demo.py CONFIG DATABASE: prints one line of JSON with the integration user's key and the reader's.
"""

import datetime
import json
import secrets
import sys
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company
from trytond.modules.currency.tests.tools import get_currency

GROUPS = (
    "Party Administration", "Project Administration", "Project Invoice", "Sales", "Sales Administrator",
    "Timesheet Administration", "Analytic Administration", "Account", "Accounting",
)
ITEMS = (
    ("SVC-FIXED", "Fixed fee", "Unit"), ("SVC-TM", "Consulting hour", "Hour"), ("SVC-RETAINER", "Retainer", "Unit"),
    ("SVC-COSTPLUS", "Cost reimbursable", "Unit"), ("SVC-FEE", "Fixed fee on cost", "Unit"),
)
CENTRES = (("ADV", "Advisory"), ("TEC", "Technology"), ("EDU", "Learning"), ("OPS", "Operations"))
CURRENCIES = (("USD", 2), ("EUR", 2), ("GBP", 2), ("JPY", 0), ("CAD", 2))


def main(file, database):
    config.set_trytond(database, user="admin", config_file=file)
    company = _company()
    _books(company)
    _relation()
    _centres(company)
    print(json.dumps({"key": _user(company, "tieline", GROUPS), "reader_key": _user(company, "reader", ())}))


def _company():
    Party, Country = Model.get("party.party"), Model.get("country.country")
    for code, name in (("US", "United States"), ("GB", "United Kingdom"), ("DE", "Germany"), ("CA", "Canada")):
        if not Country.find([("code", "=", code)]):
            Country(code=code, name=name).save()
    party = Party(name="Harbour & Finch Consulting Inc.", code="LE-US")
    party.addresses[0].country = Country.find([("code", "=", "US")])[0]
    party.save()
    for code, digits in CURRENCIES:
        currency = get_currency(code)
        if currency.digits != digits:
            currency.digits = digits
            currency.rounding = Decimal(1).scaleb(-digits)
            currency.save()
    create_company(party=party, currency=get_currency("USD"))
    (company,) = Model.get("company.company").find([])
    return company


def _books(company):
    create_chart(company)
    first = datetime.date.today().year
    for year in (first, first + 1):
        fiscal = create_fiscalyear(company, (datetime.date(year, 1, 1), datetime.date(year, 12, 31)))
        fiscal.start_date, fiscal.end_date = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
        fiscal.name = str(year)
        fiscal = set_fiscalyear_invoice_sequences(fiscal)
        fiscal.click("create_period")
    accounts = get_accounts(company)
    tax = create_tax(Decimal(".20"))
    tax.save()
    Category, Template, Unit = (
        Model.get(name) for name in ("product.category", "product.template", "product.uom")
    )
    category = Category(name="Services", accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    category.customer_taxes.append(tax)
    category.save()
    for code, name, unit in ITEMS:
        template = Template(name=name, type="service", salable=True, account_category=category)
        template.default_uom = Unit.find([("name", "=", unit)])[0]
        template.list_price = Decimal(0)
        template.save()
        (product,) = template.products
        product.suffix_code = code
        product.save()


def _relation():
    Type = Model.get("party.relation.type")
    to_customer, to_person = Type(name="is contact of"), Type(name="has contact")
    to_customer.save()
    to_person.save()
    to_customer.reverse, to_person.reverse = to_person, to_customer
    to_customer.save()
    to_person.save()


def _centres(company):
    Account = Model.get("analytic_account.account")
    root = Account(name="Cost centres", code="CC", type="root", company=company)
    root.save()
    for code, name in CENTRES:
        Account(name=name, code=code, type="normal", root=root, parent=root, company=company).save()


def _user(company, login, groups):
    User, Group = Model.get("res.user"), Model.get("res.group")
    user = User(name=login, login=login, password=secrets.token_urlsafe(24))
    user.companies.append(Model.get("company.company")(company.id))
    user.company = company
    for name in groups:
        for group in Group.find([("name", "=", name)]):
            user.groups.append(group)
    user.save()
    application = Model.get("res.user.application")(user=user, application="rest")
    application.save()
    if application.state == "requested":
        application.click("validate_")
    return application.key


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
