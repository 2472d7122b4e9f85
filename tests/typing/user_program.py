"""Set up a tenant as a backend engineer would: both checkers pass it, and it runs on the embedded tenant."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from anyauth0 import (
    ApiError,
    AsyncManagementClient,
    AuthenticationClient,
    ClientOptions,
    Conflict,
    Flow,
    Handler,
    ManagementApiError,
    ManagementClient,
    Middleware,
    NotFound,
    Options,
    Page,
    RateLimited,
    Request,
    Response,
    RetryPolicy,
    hookimpl,
    parse_timestamp,
)
from anyauth0.management.actions import ActionTriggerDict
from anyauth0.management.clients import Client
from anyauth0.management.event_streams import WebhookConfigurationDict
from anyauth0.management.log_streams import CreateLogStreamHttp
from anyauth0.management.network_acls import NetworkAclRuleDict
from anyauth0.management.organizations import CreateOrganization
from anyauth0.management.shared import Organization, Role
from anyauth0.management.users import CreateUser, User

API = "https://orders.example.com"
CONNECTION = "Username-Password-Authentication"
PASSWORD = "correct-Horse-battery-9"
POST_LOGIN: list[ActionTriggerDict] = [{"id": "post-login", "version": "v3"}]


class Tenant(msgspec.Struct, frozen=True):
    """What the rest of the company has to know of the tenant."""

    web: Client
    worker: Client
    secret: str
    roles: dict[str, Role]
    organization: Organization
    connection_id: str


# Applications and APIs


def set_up_api(management: ManagementClient) -> str:
    api = management.resource_servers.create(
        identifier=API,
        name="Orders",
        scopes=[{"value": "read:orders"}, {"value": "write:orders", "description": "Place and cancel"}],
        token_lifetime=3600,
        signing_alg="RS256",
    ).data
    management.resource_servers.update(api.id, allow_offline_access=True, enforce_policies=True)
    found = management.resource_servers.get(api.id).data
    scopes = [scope.value for scope in found.scopes or ()]
    lifetime = found.token_lifetime or 86400
    return f"{found.identifier} with {', '.join(scopes)} for {lifetime // 60} minutes"


def set_up_clients(management: ManagementClient) -> tuple[Client, Client, str]:
    web = management.clients.create(
        name="Orders web",
        app_type="regular_web",
        callbacks=["https://orders.example.com/callback"],
        refresh_token={"rotation_type": "rotating", "expiration_type": "expiring", "token_lifetime": 86400},
    ).data
    worker = management.clients.create(
        name="Orders worker", app_type="non_interactive", grant_types=["client_credentials"]
    ).data
    grant = management.client_grants.create(client_id=worker.client_id, audience=API, scope=["read:orders"])
    management.client_grants.update(grant.data.id, scope=["read:orders", "write:orders"])
    for each in management.client_grants.get_all.iter(client_id=worker.client_id):
        assert each.audience is None or each.audience.startswith("https://")
    secret = management.clients.rotate_client_secret(worker.client_id).data.client_secret
    assert secret is not None
    return web, management.clients.get(worker.client_id, fields=["client_id", "name"]).data, secret


def role_of(management: ManagementClient, name: str, scopes: Iterable[str]) -> Role:
    """Return the role of that name, made if need be, with these permissions."""
    found = (role for role in management.roles.get_all.iter(name_filter=name) if role.name == name)
    role = next(found, None) or management.roles.create(name=name).data
    management.roles.add_permissions(
        role.id,
        permissions=[{"resource_server_identifier": API, "permission_name": scope} for scope in scopes],
    )
    granted = {each.permission_name for each in management.roles.get_permissions(role.id).data}
    assert granted.issuperset(scopes)
    return role


# Organizations


def set_up_organization(management: ManagementClient, web: Client, connection_id: str) -> Organization:
    body: CreateOrganization = {"name": "acme", "display_name": "Acme", "metadata": {"plan": "gold"}}
    try:
        organization = management.organizations.create(**body).data
    except Conflict:
        organization = management.organizations.get_by_name(body["name"]).data
    management.organizations.update(
        organization.id, branding={"colors": {"primary": "#0059d6", "page_background": "#ffffff"}}
    )
    management.organizations.add_enabled_connection(
        organization.id, connection_id=connection_id, assign_membership_on_login=True
    )
    invitation = management.organizations.create_invitation(
        organization.id,
        inviter={"name": "Operations"},
        invitee={"email": "new@acme.example"},
        client_id=web.client_id,
        ttl_sec=3600,
    ).data
    pending = management.organizations.get_invitations(organization.id, sort="created_at:-1").data
    assert invitation.id in [each.id for each in pending]
    assert [each.invitee.email for each in pending if each.invitee] == ["new@acme.example"]
    enabled = management.organizations.get_enabled_connections(organization.id).data
    assert [each.connection_id for each in enabled if each.assign_membership_on_login] == [connection_id]
    return management.organizations.get(organization.id).data


def join(management: ManagementClient, tenant: Tenant, user: User) -> list[str]:
    """Make the user a member with every role; return the names of the roles."""
    organization_id = tenant.organization.id
    management.organizations.add_members(organization_id, members=[user.user_id])
    management.organizations.add_member_roles(
        organization_id, user.user_id, roles=[role.id for role in tenant.roles.values()]
    )
    members = management.organizations.get_members(organization_id, take=50).data
    assert user.user_id in {member.user_id for member in members}
    roles = management.organizations.get_member_roles(organization_id, user.user_id).data
    return sorted(role.name for role in roles if role.name is not None)


# How the tenant looks and what it runs


def set_up_looks(management: ManagementClient) -> str:
    management.tenants.update_settings(
        friendly_name="Acme", session_lifetime=72, enabled_locales=["en", "nl"]
    )
    management.branding.update_settings(colors={"primary": "#0059d6"}, logo_url="https://acme.example/l.png")
    management.branding.set_universal_login_template("<html>{%- auth0:head -%}{%- auth0:widget -%}</html>")
    management.prompts.update(universal_login_experience="new", identifier_first=True)
    management.prompts.update_custom_text_by_language("login", "nl", {"login": {"title": "Welkom"}})
    management.emails.configure(name="smtp", credentials={"smtp_host": "mail.acme.example"}, enabled=True)
    template = management.email_templates.create(
        template="verify_email",
        body="<p>{{ url }}</p>",
        from_="Acme <no-reply@acme.example>",
        subject="Your address",
        syntax="liquid",
        enabled=True,
    ).data
    domain = management.custom_domains.create(domain="login.acme.example", type="auth0_managed_certs").data
    methods = domain.verification.methods if domain.verification is not None else None
    records = [method.record for method in methods or ()]
    colors = management.branding.get_settings().data.colors
    settings = management.tenants.get_settings(fields=["friendly_name", "session_lifetime"]).data
    color = colors.primary if colors else "no color"
    return f"{settings.friendly_name}, {color}, {template.from_}, {len(records)} records for {domain.domain}"


def set_up_code(management: ManagementClient) -> list[str]:
    action = management.actions.create(
        name="add-plan",
        supported_triggers=POST_LOGIN,
        code="exports.onExecutePostLogin = async () => {};",
        dependencies=[{"name": "lodash", "version": "4.17.21"}],
        secrets=[{"name": "KEY", "value": "value"}],
    ).data
    version = management.actions.deploy(action.id).data
    assert version.action_id in (None, action.id)
    bound = management.actions.update_trigger_bindings(
        "post-login",
        bindings=[{"ref": {"type": "action_id", "value": action.id}, "display_name": "Add the plan"}],
    ).data.bindings
    flow = management.flows.create(name="Ask for the address").data
    form = management.forms.create(
        name="Address",
        languages={"primary": "en"},
        nodes=[{"id": "flow_1", "type": "FLOW", "config": {"flow_id": flow.id}}],
    ).data
    nodes = [node.id for node in form.nodes or ()]
    exchange = management.token_exchange_profiles.create(
        name="Old tokens",
        subject_token_type="urn:acme:old",
        action_id=action.id,
        type="custom_authentication",
    ).data
    profile = management.self_service_profiles.create(
        name="Partners",
        user_attributes=[{"name": "email", "description": "The address", "is_optional": False}],
        branding={"logo_url": "https://acme.example/l.png", "colors": {"primary": "#0059d6"}},
    ).data
    ticket = management.self_service_profiles.create_sso_ticket(
        profile.id, connection_config={"name": "partner-sso"}, ttl_sec=600
    ).data.ticket
    names = [each.display_name or each.id for each in bound or ()]
    return [*names, *nodes, form.name, exchange.name or "", profile.name or "", ticket or "no ticket"]


# Protection


def set_up_protection(management: ManagementClient) -> int | None:
    management.attack_protection.update_brute_force_config(enabled=True, max_attempts=7, shields=["block"])
    management.attack_protection.update_suspicious_ip_throttling_config(allowlist=["192.0.2.1"])
    management.guardian.update_factor("otp", enabled=True)
    management.guardian.update_policies(["all-applications"])
    assert {factor.name for factor in management.guardian.get_factors().data if factor.enabled} >= {"otp"}
    rule: NetworkAclRuleDict = {"action": {"block": True}, "match": {"asns": [64496]}, "scope": "tenant"}
    management.network_acls.create(description="Nobody logs in there", active=True, priority=1, rule=rule)
    for acl in management.network_acls.get_all.iter():
        if acl.rule is not None and acl.rule.match is not None:
            assert acl.rule.match.asns == [64496]
    management.keys.rotate()
    assert [key.kid for key in management.keys.get_all().data if key.current and not key.revoked]
    management.risk_assessments.update_settings(enabled=True)
    management.supplemental_signals.update(akamai_enabled=False)
    return management.attack_protection.get_brute_force_config().data.max_attempts


def set_up_streams(management: ManagementClient) -> dict[str, str]:
    body: CreateLogStreamHttp = {
        "name": "To the warehouse",
        "type": "http",
        "sink": {"httpEndpoint": "https://logs.acme.example", "httpContentFormat": "JSONLINES"},
        "filters": [{"type": "category", "name": "auth.login.fail"}],
    }
    logs = management.log_streams.create(body).data
    management.log_streams.update(logs.id, status="paused")
    configuration: WebhookConfigurationDict = {
        "webhook_endpoint": "https://hooks.acme.example",
        "webhook_authorization": {"method": "bearer"},
    }
    events = management.event_streams.create(
        {"name": "New users", "destination": {"type": "webhook", "configuration": configuration}}
    ).data
    place = events.destination.configuration if events.destination else None
    return {
        logs.id: management.log_streams.get(logs.id).data.status or "unknown",
        events.id: (place.webhook_endpoint if place else None) or "nowhere",
    }


# Users


def find_or_create(management: ManagementClient, email: str) -> User:
    for user in management.users_by_email.get_by_email(email=email).data:
        return user
    body: CreateUser = {"connection": CONNECTION, "email": email, "password": PASSWORD}
    body["user_metadata"] = {"language": "nl"}
    return management.users.create(**body).data


def look_at(management: ManagementClient, user: User) -> tuple[datetime | None, list[str]]:
    """Return when the user came, and where the user is logged in."""
    places: list[str] = []
    for session in management.users.get_sessions.iter(user.user_id):
        seen = session.device.last_ip if session.device is not None else None
        places.append(seen or "somewhere")
        management.sessions.revoke(session.id)
    for token in management.refresh_tokens.get_all.iter(user_id=user.user_id):
        places.extend(server.audience or "?" for server in token.resource_servers or ())
        management.refresh_tokens.delete(token.id)
    blocks = management.user_blocks.get_all(identifier=user.email or user.user_id).data.blocked_for
    places.extend(block.ip for block in blocks or () if block.ip is not None)
    for grant in management.grants.get_all.iter(user_id=user.user_id):
        management.grants.delete(grant.id)
    devices = management.device_credentials.get_all(user_id=user.user_id, type="public_key").data
    places.extend(device.device_name or device.id for device in devices)
    return parse_timestamp(user.created_at), places


def invite_by_mail(management: ManagementClient, user: User, web: Client) -> list[str]:
    verify = management.tickets.verify_email(user_id=user.user_id, ttl_sec=3600).data
    password = management.tickets.change_password(user_id=user.user_id, client_id=web.client_id).data
    job = management.jobs.verify_email(user_id=user.user_id, client_id=web.client_id).data
    return [verify.ticket, password.ticket, management.jobs.get(job.id).data.status]


def import_people(management: ManagementClient, connection_id: str, emails: Iterable[str]) -> int:
    people = msgspec.json.encode([{"email": email} for email in emails])
    job = management.jobs.import_users(users=people, connection_id=connection_id, upsert=True).data
    done = management.jobs.wait(job.id)
    if done.summary is not None and done.summary.failed:
        errors = management.jobs.get_errors(job.id).data
        if isinstance(errors, list):
            raise ValueError([reason.message for row in errors for reason in row.errors or ()])
    return (done.summary.inserted if done.summary is not None else None) or 0


def describe(error: ApiError) -> str:
    """Say in one line what went wrong, and until when to wait."""
    if isinstance(error, RateLimited):
        return f"wait for {error.retry_after} seconds"
    return f"{error.status} {error.code}, {error.rate_limit.remaining} left, request {error.request_id}"


def forget(management: ManagementClient, user_id: str) -> str:
    patient = management.with_options(timeout=30, retry=RetryPolicy(retries=1), headers={"x-why": "privacy"})
    patient.users.delete(user_id)
    try:
        patient.users.get(user_id)
    except NotFound as error:
        return describe(error)
    raise AssertionError(user_id)


def count_by_page(management: ManagementClient) -> tuple[int, int]:
    """Return how many users came page by page, and how many there are."""
    came = total = 0
    for page in management.users.get_all.pages(q=f'identities.connection:"{CONNECTION}"', per_page=2):
        came += len(page)
        total = page.total if page.total is not None else total
    return came, total


class SeenCalls:
    """Remembers how each call ended: a plugin whose middleware is its own method."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    @hookimpl
    def anyauth0_middleware(self, options: ClientOptions) -> list[Middleware]:
        return [self.see] if options.telemetry else []

    def see(self, request: Request, inner: Handler) -> Flow[Response]:
        response = yield from inner(request.with_headers({"x-trace": "1"}))
        self.calls.append((request.endpoint, response.status))
        return response


# The whole, blocking and asyncio


def set_up(management: ManagementClient) -> Tenant:
    connections = management.connections.get_all(name=CONNECTION, fields=["id", "name"]).data
    connection_id = connections[0].id
    print(set_up_api(management))
    web, worker, secret = set_up_clients(management)
    clients = [web.client_id, worker.client_id]
    management.connections.update_enabled_clients(
        connection_id, [{"client_id": each, "status": True} for each in clients]
    )
    roles = {
        "buyer": role_of(management, "buyer", ["read:orders"]),
        "seller": role_of(management, "seller", ["read:orders", "write:orders"]),
    }
    organization = set_up_organization(management, web, connection_id)
    print(set_up_looks(management), *set_up_code(management), sep="\n")
    print(set_up_protection(management), set_up_streams(management))
    return Tenant(web, worker, secret, roles, organization, connection_id)


def main(options: Options) -> SeenCalls:
    seen = SeenCalls()
    watched: Options = {**options, "plugins": [seen]}
    with ManagementClient(**watched) as management:
        tenant = set_up(management)
        jane = find_or_create(management, "jane@acme.example")
        assert find_or_create(management, "jane@acme.example").user_id == jane.user_id
        created, places = look_at(management, jane)
        assert created is not None
        day = created.strftime("%Y%m%d")
        print(places, sum(each.signups or 0 for each in management.stats.get_daily(from_=day, to=day).data))
        assert join(management, tenant, jane) == ["buyer", "seller"]
        print(invite_by_mail(management, jane, tenant.web))
        assert import_people(management, tenant.connection_id, ["a@acme.example", "b@acme.example"]) == 2
        assert count_by_page(management) == (3, 3)
        newest: Page[User] = management.users.get_all(sort="created_at:-1", per_page=1).data
        assert forget(management, newest[0].user_id).startswith("404")
        print([entry.type for entry in management.logs.get_all(take=5, from_="").data])
    own: Options = {**options, "client_id": tenant.worker.client_id, "client_secret": tenant.secret}
    with AuthenticationClient(**own) as authentication:
        tokens = authentication.oauth.client_credentials_grant(audience=API).data
        assert tokens.expires_in == 3600
        assert (tokens.scope or "").split() == ["read:orders", "write:orders"]
    return seen


async def main_async(options: Options) -> int:
    """Give each user the names of the roles; return how many users there are."""
    async with AsyncManagementClient(**options) as management:
        try:
            await management.users.create(connection=CONNECTION, email="no address", password=PASSWORD)
        except ManagementApiError as error:
            print(describe(error))
        names = [role.name or role.id async for role in management.roles.get_all.iter()]
        async for page in management.users.get_all.pages(per_page=1):
            for user in page:
                await management.users.update(user.user_id, app_metadata={"roles": names})
        answer = await management.users.get_all(q="email:*@acme.example", include_totals=True)
        assert all(user.app_metadata == {"roles": names} for user in answer.data)
        return answer.data.total or 0
