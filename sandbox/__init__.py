"""Simulators of the systems Tieline talks to, one per vendor dialect, over real HTTP on loopback."""
