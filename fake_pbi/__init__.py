"""A fake Power BI cloud: Entra ID, the REST API and the embedded items. Service time comes from a function it is given."""
