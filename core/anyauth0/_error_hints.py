"""One hint what to do about an error answer, where its cause is certain."""

_LOG_IN_AGAIN = "it is good once and for a short time, start the login anew"

# Code (any, where empty), a part of the sentence in lower case (any, where empty), and the hint.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    ("", "service not enabled within domain",
     "the audience must be an API here, and that of the Management API has no custom domain in it"),
    ("", "is not authorized to access", "grant the application this API under Applications > APIs"),
    ("unauthorized_client", "grant type",
     "enable the grant in the application's settings under Advanced Settings > Grant Types"),
    ("", "default connection", "give \"realm\", the connection, or set a Default Directory for the tenant"),
    ("invalid_grant", "authorization code", _LOG_IN_AGAIN),
    ("invalid_grant", "code verifier", "the verifier must be the one of the request that the code came by"),
    ("invalid_grant", "refresh token", "it is revoked, expired or was rotated, let the user log in again"),
    ("", "redirect uri is wrong", "redirect_uri must be the one of the authorization request"),
    ("", "callback url mismatch", "add it to the application's Allowed Callback URLs"),
    ("invalid_client", "", "check client_id, its secret or key, and how the application authenticates"),
    ("expired_token", "", _LOG_IN_AGAIN),
    ("authorization_pending", "", "the user has not answered yet, ask again later"),
    ("slow_down", "", "ask less often"),
    ("login_required", "", "the user must log in, send them to the address of authorize"),
    ("consent_required", "", "the user must consent, send them to the address of authorize"),
    ("interaction_required", "", "the user must act, send them to the address of authorize"),
    ("too_many_attempts", "", "the user is blocked for a while, user_blocks.delete lifts it"),
    ("invalid_signup", "", "there may be a user with this address or name already"),
    ("", "user already exists", "get it by users_by_email.get_by_email, or update it"),
    ("invalid_paging", "", "no search goes beyond this, narrow it, or for users take jobs.export_all"),
    ("", "bad audience", "the token must be for https://{domain}/api/v2/ of the tenant's own domain"),
    ("", "expired token", "get another token, with client_id and client_secret the client does so itself"),
)  # fmt: skip


def hint(status: int, code: str | None, sentence: str | None) -> str:
    """Return what to do about an error answer; empty where nobody knows."""
    code, said = code or "", (sentence or "").lower()
    for known, part, mend in _CAUSES:
        if known in ("", code) and part in said:
            return mend
    return _by_status(status)


def _by_status(status: int) -> str:
    if status == 429:
        return "wait until the reset in rate_limit, or let the client retry"
    if status >= 500:
        return "the server failed, try again later"
    if status == 401:
        return "check the credentials and the token's audience"
    if status == 404:
        return "check the id and the domain"
    if status == 409:
        return "there is one already, or it has changed meanwhile: get it first"
    if 300 <= status < 400:
        return "a redirect is never followed, check the domain"
    return ""
