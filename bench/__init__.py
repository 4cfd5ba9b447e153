"""How fast Tieline is, beside the same vendor calls without it: measured in one run, on one machine."""
