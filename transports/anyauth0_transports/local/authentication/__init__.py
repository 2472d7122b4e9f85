"""The endpoints of the Authentication API: method and path to handler."""

from ..incoming import Handler
from .database import change_password, sign_up
from .discovery import jwks, openid_configuration, user_info
from .passwordless import follow_link, start
from .pushed import push
from .revocation import revoke
from .token import token

__all__ = ["AUTHENTICATION"]

AUTHENTICATION: dict[tuple[str, str], Handler] = {
    ("POST", "/dbconnections/signup"): sign_up,
    ("POST", "/dbconnections/change_password"): change_password,
    ("POST", "/oauth/token"): token,
    ("POST", "/oauth/revoke"): revoke,
    ("POST", "/oauth/par"): push,
    ("POST", "/passwordless/start"): start,
    ("GET", "/passwordless/verify_redirect"): follow_link,
    ("GET", "/userinfo"): user_info,
    ("POST", "/userinfo"): user_info,
    ("GET", "/.well-known/jwks.json"): jwks,
    ("GET", "/.well-known/openid-configuration"): openid_configuration,
}
