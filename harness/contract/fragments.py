"""Fragments of a page that rules show as wrong and right, and the names in them.

Each fragment is JavaScript that defines functions of the page. fixtures/fragments.html has all other functions, and the
tests judge that page with each fragment in it.
"""

NAMES = {
    "elements": "the elements in which the page embeds reports",
    "element": "the element in which the page embeds the report",
    "config": "the type, the id and the embed URL of the report",
    "models": "the models of powerbi-client",
    "TOKEN_URL": "the address of the token endpoint",
    "MARGIN": "the refresh margin: 10 min, in milliseconds",
    "report": "the embedded report",
    "expires": "the expiry of the report's token, in milliseconds like `Date.now()`",
    "embed()": "embeds the report",
    "keepAlive()": "begins to check the token; the page calls it after `embed()`",
    "check()": "renews the token if it is due",
    "isDue()": "says whether the refresh margin has begun",
    "renew()": "requests a new token and gives it to the report",
    "fetchToken()": "requests an embed token from the app's backend; resolves with its `token` and `expires`, or rejects",
    "fetchUserToken()": "requests an Entra token of the user; resolves with its `token` and `expires`, or rejects",
    "accessTokenProvider()": "the provider with which the page embeds the report",
    "remove()": "removes the report; the page calls it when the user closes the report",
}
"""Name in the fragments -> its meaning. The names of functions end in `()`."""

GUARDED_CHECK = """
let renewing = false;
async function check() {
  if (renewing || !isDue()) return;
  renewing = true;
  try {
    await renew();
  } catch (error) {
    console.warn("Not renewed:", error);
  } finally {
    renewing = false;
  }
}
"""
"""A check that runs once at a time, and survives a failed renewal."""

CHECKED_ANSWER = """
async function fetchToken() {
  const response = await fetch(TOKEN_URL, { cache: "no-store" });
  const { token, expiration } = await response.json();
  const remaining = Date.parse(expiration) - Date.parse(response.headers.get("Date"));
  if (!token || !(remaining > 0)) throw new Error("no usable token");
  return { token, expires: Date.now() + remaining };
}
"""
"""A token request that refuses unusable answers and expired tokens, and relies on the server's clock."""
