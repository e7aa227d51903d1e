"""The scenarios without faults: the page is visible and used."""

from harness.contract.measures import OBSERVED_LIFETIMES
from harness.contract.scenario import Setting, scenario
from harness.contract.visit import PageVisit, Plan


@scenario(
    "The page is visible for 1.5 lifetimes, to find out which of its requests fetch tokens. There is no such visit if "
    "the token addresses are given.",
)
def discovery(setting: Setting) -> list[Plan]:
    """Plan the visit that finds the token addresses."""
    if setting.under_test.known_token_urls:
        return []

    def use(visit: PageVisit) -> None:
        visit.use_for(1.5 * setting.lifetime)

    return [Plan("finding the token requests", use, at_end=lambda visit: visit.driver.look_back_for_tokens())]


@scenario(
    "The page is visible for 3.2 lifetimes each of 60, 90 and 35 min. An interaction follows every 2 to 7 min (random, "
    "from a fixed seed).",
    ends_early=True,
)
def healthy(setting: Setting) -> list[Plan]:
    """Plan the visits without faults, the first of which shows what the page embeds and how it renews."""

    def use(visit: PageVisit) -> None:
        visit.use_for(OBSERVED_LIFETIMES * visit.observed.lifetime)

    return [
        Plan(
            f"healthy, lifetime {lifetime.total_seconds() / 60:.0f} min" + (f", seed {seed + 1}" if seed else ""),
            use,
            lifetime=lifetime,
            seed=seed or "",
        )
        for seed in range(3 if setting.thorough else 1)
        for lifetime in setting.lifetimes
    ]


@scenario(
    "Only for a page that has a Content-Security-Policy: the policy is in force until the page has loaded. The harness "
    "disables the policy in the other visits.",
)
def own_policy(setting: Setting) -> list[Plan]:
    """Plan the visit with the page's own Content-Security-Policy in force."""
    title = "with its Content-Security-Policy in force"
    return [Plan(title, conditions={"bypass_csp": False})] if setting.first.has_policy else []
