"""A fake Power BI cloud: Entra ID, the REST API and the embedded items, in a service time that the caller provides."""
