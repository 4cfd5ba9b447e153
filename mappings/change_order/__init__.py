"""Change orders: signed amendments folded into the contract as it stands, to the minor unit. DOM-6."""
