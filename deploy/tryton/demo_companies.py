# SPDX-License-Identifier: GPL-3.0-or-later
"""A second company of the demo firm in a seeded database. Runs inside Tryton's own environment.

python demo_companies.py CONFIG DATABASE: does nothing when the company is there already.
"""

import sys

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart
from trytond.modules.company.tests.tools import create_company
from trytond.modules.currency.tests.tools import get_currency

CODE, NAME = "LE-FED", "Harbour & Finch Federal LLC"
CENTRES = (("ADV", "Advisory"), ("TEC", "Technology"), ("EDU", "Learning"), ("OPS", "Operations"))


def main(file, database):
    config.set_trytond(database, user="admin", config_file=file)
    # The administrator of a seeded database is in no group; what is done here is set-up, as the seeding itself.
    with config.get_config().set_context(_check_access=False):
        add_company()


def add_company():
    Company, Party = Model.get("company.company"), Model.get("party.party")
    if Company.find([("party.code", "=", CODE)]):
        return
    # Taxes are a company's own; sold services of both companies carry none, so that they can share their products.
    for category in Model.get("product.category").find([("accounting", "=", True)]):
        while category.customer_taxes:
            category.customer_taxes.pop()
        category.save()
    party = Party(name=NAME, code=CODE)
    party.addresses[0].country = Model.get("country.country").find([("code", "=", "US")])[0]
    party.save()
    create_company(party=party, currency=get_currency("USD"))
    config.get_config().set_context(_check_access=False)
    (company,) = Company.find([("party.code", "=", CODE)])
    for user in Model.get("res.user").find([("login", "=", "tieline")]):
        user.companies.append(Company(company.id))
        # Rights end at the company that is chosen, unless the user may see all of theirs at once.
        user.company_filter = "all"
        user.save()
    with config.get_config().set_context(company=company.id, companies=[company.id], _check_access=False):
        create_chart(company)
        Account = Model.get("analytic_account.account")
        root = Account(name="Cost centres", code="CC", type="root", company=company)
        root.save()
        for code, name in CENTRES:
            Account(name=name, code=code, type="normal", root=root, parent=root, company=company).save()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
