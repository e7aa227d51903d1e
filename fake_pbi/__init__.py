"""A fake Power BI cloud on an injected clock: Entra ID, the REST API, the embedded items."""
