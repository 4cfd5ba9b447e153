# SPDX-License-Identifier: GPL-3.0-or-later
"""What changed, written in the transaction of the change: no change without its row, no row without its change."""

from trytond.model import ModelSQL, fields

__all__ = ["Event"]


class Event(ModelSQL):
    """One change of a record that carries an external id. Whoever follows reads upwards by id."""

    __name__ = "tieline.event"

    model = fields.Char("Model", required=True)
    record = fields.Integer("Record", required=True)
    external_id = fields.Char("External Id", strip=False)
    kind = fields.Selection([("create", "Created"), ("write", "Changed"), ("delete", "Deleted")], "Kind", required=True)
    field_names = fields.Char("Fields")
