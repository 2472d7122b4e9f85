"""Headers by which a server speaks for a user."""


def for_user(forwarded_for: str | None, language: str | None = None) -> dict[str, str]:
    """Return the headers with the address and the language of the end user, those that are given."""
    headers = {"x-request-language": language, "auth0-forwarded-for": forwarded_for}
    return {name: value for name, value in headers.items() if value}
