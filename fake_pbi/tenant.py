"""The tenant: the app, the user, the workspace and the items of one organisation, and settings of the fake service."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

LateToken = Literal["next query", "reload"]
"""The event from which a recovery token works: the next data request, or a reload of the report."""
HookAddress = Literal["last", "first"]
"""The load whose uid the service uses to call the provider."""


@dataclass
class Tenant:
    """One organisation in the fake cloud. Every field may be changed at any time, and applies to later answers.

    The item ids serve examples and fixtures; the service answers for any other item id too. Entra ID knows this tenant
    and this app only. So a backend with a wrong setting gets the error that the real Entra ID would answer.
    """

    lifetime: timedelta = timedelta(minutes=60)
    """The lifetime of every Entra token, and so of an embed token that is generated with a new one.

    The real lifetime is random, from 60 to 90 minutes. Source: Entra configurable-token-lifetimes; the article
    generate-embed-token.
    """

    tenant_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be001"
    client_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be002"
    client_secret: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be003"
    refresh_token: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be004"
    """The user's first refresh token. A backend or page that has it starts with a signed-in user."""
    user_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be005"
    user_name: str = "ada@contoso.example"

    workspace_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be101"
    report_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be102"
    dashboard_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be103"
    tile_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be104"
    dataset_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be105"

    hook_lead: timedelta = timedelta(minutes=10)
    """The time before the expiry at which the service calls the provider. Assumed: the real value is not public."""

    hook_retry: timedelta = timedelta(minutes=1)
    """The time after which the service calls the provider again if it got no newer token. Assumed."""

    late_token: LateToken = "next query"
    """The event from which a token works that an item accepts after its current token has expired.

    "next query" is assumed. Microsoft has also said "reload" (powerbi-client-react#23).
    """

    hook_address: HookAddress = "last"
    """The uid that the service uses to call the provider after a second embed() on an element. Assumed.

    "last" is the uid of the last load, "first" the uid in the iframe's address.
    """

    only_items: frozenset[str] | None = None
    """The ids of the reports, dashboards and tiles that exist, or None if every id exists."""
