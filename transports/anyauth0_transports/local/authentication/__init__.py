"""The endpoints of the Authentication API: method and path to handler."""

import re
from urllib.parse import unquote

from ..incoming import Handler
from .anonymous import anonymous_log_out, anonymous_token
from .authorize import authorize
from .backchannel import start_backchannel
from .database import change_password, sign_up
from .device import start_device
from .discovery import jwks, openid_configuration, user_info
from .federation import saml_metadata, webfinger, wsfed_metadata
from .global_revocation import revoke_all
from .legacy import (
    delegation,
    impersonate,
    resource_owner,
    social_access_token,
    token_info,
    unlink,
    verify_passwordless,
)
from .logout import log_out, oidc_log_out
from .mfa_challenge import challenge
from .mfa_factors import associate, list_authenticators, remove_authenticator
from .otp_challenge import challenge_otp
from .passkeys import challenge_passkey, register_passkey
from .passwordless import follow_link, start
from .pushed import push
from .registration import register
from .revocation import revoke
from .token import token
from .web_login import submit_login

__all__ = ["AUTHENTICATION", "find"]

AUTHENTICATION: dict[tuple[str, str], Handler] = {
    ("POST", "/dbconnections/signup"): sign_up,
    ("POST", "/dbconnections/change_password"): change_password,
    ("GET", "/authorize"): authorize,
    ("POST", "/u/login"): submit_login,
    ("GET", "/v2/logout"): log_out,
    ("GET", "/oidc/logout"): oidc_log_out,
    ("POST", "/oauth/token"): token,
    ("POST", "/oauth/device/code"): start_device,
    ("POST", "/oauth/global-token-revocation/connection/{connection_name}"): revoke_all,
    ("POST", "/oidc/register"): register,
    ("POST", "/anonymous/token"): anonymous_token,
    ("POST", "/anonymous/logout"): anonymous_log_out,
    ("POST", "/bc-authorize"): start_backchannel,
    ("POST", "/oauth/revoke"): revoke,
    ("POST", "/oauth/par"): push,
    ("GET", "/mfa/authenticators"): list_authenticators,
    ("DELETE", "/mfa/authenticators/{authenticator_id}"): remove_authenticator,
    ("POST", "/mfa/associate"): associate,
    ("POST", "/mfa/challenge"): challenge,
    ("POST", "/otp/challenge"): challenge_otp,
    ("POST", "/passkey/register"): register_passkey,
    ("POST", "/passkey/challenge"): challenge_passkey,
    ("POST", "/passwordless/start"): start,
    ("GET", "/passwordless/verify_redirect"): follow_link,
    ("GET", "/userinfo"): user_info,
    ("POST", "/userinfo"): user_info,
    ("POST", "/oauth/ro"): resource_owner,
    ("POST", "/oauth/access_token"): social_access_token,
    ("POST", "/tokeninfo"): token_info,
    ("POST", "/delegation"): delegation,
    ("POST", "/passwordless/verify"): verify_passwordless,
    ("POST", "/users/{user_id}/impersonate"): impersonate,
    ("POST", "/login/unlink"): unlink,
    ("GET", "/samlp/metadata/{client_id}"): saml_metadata,
    ("GET", "/wsfed/FederationMetadata/2007-06/FederationMetadata.xml"): wsfed_metadata,
    ("GET", "/.well-known/webfinger"): webfinger,
    ("GET", "/.well-known/jwks.json"): jwks,
    ("GET", "/.well-known/openid-configuration"): openid_configuration,
}

_PATTERNS = [
    (method, re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(path))), handler)
    for (method, path), handler in AUTHENTICATION.items()
    if "{" in path
]


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...]] | None:
    """Return the handler of a request and the decoded parameters of its path, or `None`."""
    handler = AUTHENTICATION.get((method, path))
    if handler is not None:
        return handler, ()
    for wanted, pattern, handler in _PATTERNS:
        match = pattern.fullmatch(path) if wanted == method else None
        if match is not None:
            return handler, tuple(unquote(value) for value in match.groups())
    return None
