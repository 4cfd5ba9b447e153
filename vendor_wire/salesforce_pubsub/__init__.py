"""The Pub/Sub interface of Salesforce, version 1."""
