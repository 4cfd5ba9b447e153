"""What connectors share: HTTP session, fault translation, limiter, ConnectorSpec."""
