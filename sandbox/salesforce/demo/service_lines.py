"""Which of the firm's service lines sells what the file calls by a product or service code."""

from sandbox.salesforce.demo.source import Action

__all__ = ["service_line"]

# By the leading letter of the code. A leading digit means goods.
_BY_LETTER = {
    "A": "Engineering",  # research and development
    "B": "Advisory",  # special studies
    "C": "Engineering",  # architects and engineers
    "D": "Technology",  # IT and telecom
    "G": "Operations",  # social services
    "J": "Operations",  # maintenance of equipment
    "N": "Operations",  # installation of equipment
    "R": "Advisory",  # professional and administrative support
    "S": "Operations",  # utilities and housekeeping
    "U": "Learning",  # education and training
    "V": "Operations",  # transport, travel and relocation
    "W": "Operations",  # rental of equipment
    "X": "Operations",  # rental of buildings
    "Z": "Operations",  # maintenance of buildings
}
# The one award that no mapping rule covers, so that the demo shows a repair: an office move.
_UNMAPPED = {("DAVIES OFFICE REFURBISHING", "V302"): "Relocation"}


def service_line(action: Action) -> str:
    """Return the product family of an action."""
    if not action.is_service:
        return "Goods"
    special = _UNMAPPED.get((action.text("vendorname"), action.service_code))
    return special or _BY_LETTER[action.service_code[0]]
