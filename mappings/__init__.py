"""The firm's versioned business rules: pure functions over dated data."""
