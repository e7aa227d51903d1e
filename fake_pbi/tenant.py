"""What the cloud knows: an organisation's app, user, workspace and items, and how the service treats their tokens."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

LateToken = Literal["next query", "reload"]
HookAddress = Literal["last", "first"]


@dataclass
class Tenant:
    """One organisation. Every field may be changed while the cloud runs; what is served next follows it.

    The ids are what examples and fixtures use: the service answers for any other item id just as well. Entra ID knows
    only this tenant and this app, so that a backend with a wrong setting is told so as the real one would tell it.
    """

    lifetime: timedelta = timedelta(minutes=60)
    """Life of every Entra access token, hence of an embed token made from it at once. The real one is random, 60 to
    90 min. Source: Entra configurable-token-lifetimes; the generate-embed-token article."""

    tenant_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be001"
    client_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be002"
    client_secret: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be003"
    refresh_token: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be004"
    """The user's first refresh token: with it a backend or page begins as one whose user has signed in."""
    user_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be005"
    user_name: str = "ada@contoso.example"

    workspace_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be101"
    report_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be102"
    dashboard_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be103"
    tile_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be104"
    dataset_id: str = "5f0c2b8e-6d1a-4f57-9a53-3a1d0c7be105"

    hook_lead: timedelta = timedelta(minutes=10)
    """How long before a token's end the service asks the accessTokenProvider. Assumed: the real value is not public."""

    hook_retry: timedelta = timedelta(minutes=1)
    """How soon it asks again while nothing newer came. Assumed."""

    late_token: LateToken = "next query"
    """What brings a token into effect that comes after the old one's end. Assumed; Microsoft has also said "reload"."""

    hook_address: HookAddress = "last"
    """Which uid the service addresses after a second embed() on an element: the last load's, or the first, of the
    frame's address. Assumed."""

    only_items: frozenset[str] | None = None
    """The ids of the reports, dashboards and tiles that exist; None: any id does."""
