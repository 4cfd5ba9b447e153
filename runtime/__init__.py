"""Settings, registry, wiring, telemetry and the way out of the process."""
