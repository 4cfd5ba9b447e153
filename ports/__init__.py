"""What Tieline needs of a CRM, an ERP, a store and a signer, as small protocols."""
