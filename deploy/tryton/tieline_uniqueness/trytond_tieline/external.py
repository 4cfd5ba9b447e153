# SPDX-License-Identifier: GPL-3.0-or-later
"""External ids that the database keeps unique, and one call that finds a record by it or creates it."""

from trytond.i18n import gettext
from trytond.model import Unique, fields
from trytond.model.exceptions import ValidationError
from trytond.pool import Pool, PoolMeta
from trytond.rpc import RPC
from trytond.transaction import Transaction, without_check_access

__all__ = ["AnalyticAccount", "Party", "Sale", "Work"]


class ExternalId:
    """Gives a model an external id. The constraint decides who was first, never a search."""

    __slots__ = ()
    _tieline_steps = ()
    external_id = fields.Char("External Id", strip=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            ("external_id_unique", Unique(table, table.external_id), "tieline.msg_external_id_unique")
        )
        cls.__rpc__["tieline_ensure"] = RPC(readonly=False)

    @classmethod
    def copy(cls, records, default=None):
        """A copy is another record: it does not inherit the id."""
        default = {} if default is None else default.copy()
        default.setdefault("external_id", None)
        return super().copy(records, default=default)

    @classmethod
    def tieline_ensure(cls, external_id, values, steps=()):
        """`[id, created]` of the record with that id. A new one is created and taken through `steps` (buttons) at once.

        One call is one transaction. A record that is there is not changed, also when it is inactive.
        """
        for step in steps:
            if step not in cls._tieline_steps:
                raise ValidationError(gettext("tieline.msg_step_not_allowed", step=step))
        with Transaction().set_context(active_test=False):
            found = cls.search([("external_id", "=", external_id)], limit=1)
        if found:
            return [found[0].id, False]
        (record,) = cls.create([{**values, "external_id": external_id}])
        for step in steps:
            getattr(cls, step)([record])
        return [record.id, True]

    @classmethod
    def on_modification(cls, mode, records, field_names=None):
        """Note the change in the outbox, in the same transaction."""
        super().on_modification(mode, records, field_names=field_names)
        with without_check_access():
            Pool().get("tieline.event").create(
                [
                    {
                        "model": cls.__name__,
                        "record": record.id,
                        "external_id": record.external_id,
                        "kind": mode,
                        "field_names": ",".join(sorted(field_names or ())),
                    }
                    for record in records
                    if record.external_id
                ]
            )


class Party(ExternalId, metaclass=PoolMeta):
    __name__ = "party.party"


class Work(ExternalId, metaclass=PoolMeta):
    __name__ = "project.work"


class Sale(ExternalId, metaclass=PoolMeta):
    __name__ = "sale.sale"
    _tieline_steps = ("quote", "confirm")


class AnalyticAccount(ExternalId, metaclass=PoolMeta):
    __name__ = "analytic_account.account"
