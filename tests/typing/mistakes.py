"""Mistakes that users make: each statement under a `# mistake:` must be refused by both type checkers."""

from anyauth0 import (
    TLS,
    ApiError,
    AsyncManagementClient,
    AuthenticationClient,
    Handler,
    IdTokenChecks,
    ManagementClient,
    Middleware,
    Options,
    Request,
    Response,
    RetryPolicy,
    parse_timestamp,
)
from anyauth0.management.branding import UpdateBranding
from anyauth0.management.log_streams import CreateLogStreamHttp
from anyauth0.management.shared import Role
from anyauth0.management.users import User
from anyauth0_plugins.file_store import FileTokenStore
from anyauth0_transports.http_client import HttpClientTransport


def bodies(management: ManagementClient) -> None:
    # mistake: a misspelt field of a body
    management.users.create(connection="c", emial="jane@example.com")
    # mistake: a required field of a body left out
    management.clients.create(app_type="spa")
    # mistake: a field of a body of a wrong type
    management.resource_servers.create(identifier="https://api.example.com", token_lifetime="3600")
    # mistake: a misspelt field inside a body
    management.organizations.create(name="acme", branding={"colours": {"primary": "#00f"}})
    # mistake: a required field inside a body left out
    management.organizations.create_invitation("org", inviter={}, invitee={"email": "e"}, client_id="c")
    # mistake: a field inside a body of a wrong type
    management.network_acls.create(
        description="d", active=True, rule={"action": {"block": "yes"}, "scope": "tenant"}
    )
    # mistake: one value where a body takes a list
    management.roles.assign_users("rol_1", users="auth0|1")
    # mistake: a list of a wrong type in a body
    management.roles.add_permissions("rol_1", permissions=["read:orders"])
    # mistake: a dict where the fields of a body are keywords
    management.users.create({"connection": "c", "email": "jane@example.com"})
    # mistake: a dict where the body is a list
    management.connections.update_enabled_clients("con_1", {"client_id": "c", "status": True})
    # mistake: an item of a body that is a list without a required field
    management.connections.update_enabled_clients("con_1", [{"client_id": "c"}])
    # mistake: a field that no member of a union has
    management.log_streams.create({"type": "http", "sink": {"httpUrl": "https://logs.example.com"}})
    # mistake: a body that is a union without a required field
    management.event_streams.create({"name": "New users"})
    # mistake: a model where a body takes a dict
    management.organizations.create(name="b", branding=management.organizations.get("org_1").data.branding)
    # mistake: a field of a body in the case of the model
    management.email_templates.update("verify_email", result_url="https://example.com")
    # mistake: null for a field that cannot be null
    management.users.update("auth0|1", blocked=None)
    # mistake: a misspelt key of a body that is made beforehand
    stream: CreateLogStreamHttp = {"type": "http", "sinks": {"httpEndpoint": "https://logs.example.com"}}
    management.log_streams.create(stream)
    # mistake: a body made for another operation
    management.clients.create(**UpdateBranding(logo_url="https://example.com/l.png"))
    # mistake: a number where a file is due
    management.jobs.import_users(users=17, connection_id="con_1")


def arguments(management: ManagementClient) -> None:
    # mistake: an unknown query parameter
    management.users.get_all(query="email:jane*")
    # mistake: a query parameter of a wrong type
    management.users.get_all(page="0")
    # mistake: an unknown query parameter of an iterator
    management.clients.get_all.iter(first_party=True)
    # mistake: a required query parameter left out
    management.user_blocks.get_all()
    # mistake: a positional argument where only keywords are taken
    management.users_by_email.get_by_email("jane@example.com")
    # mistake: a keyword where only a position is taken
    management.users.get(user_id="auth0|1")
    # mistake: a path parameter left out
    management.organizations.get_invitation("org_1")
    # mistake: a path parameter that is a number
    management.actions.get(17)
    # mistake: a path parameter that may be missing
    management.users.get(management.logs.get("log").data.user_id)
    # mistake: a path parameter too many
    management.roles.get("rol_1", "rol_2")
    # mistake: a misspelt resource
    management.organisations.get_all()
    # mistake: a misspelt method
    management.clients.list()
    # mistake: a resource replaced
    management.users = management.users
    # mistake: an iterator of a method that is no list
    management.tenants.get_settings.iter()
    # mistake: a misspelt argument of `map`
    management.map(management.users.delete, ["auth0|1"], concurency=4)
    # mistake: a row taken for something else than what was given
    print([outcome.row["id"] for outcome in management.map(management.users.delete, ["auth0|1"])])
    # mistake: a function of a wrong signature as a callback
    management.jobs.wait("job_1", progress=lambda: None)


def answers(management: ManagementClient) -> None:
    user = management.users.get("auth0|1").data
    # mistake: an answer taken for its model
    print(management.users.get("auth0|1").email)
    # mistake: an attribute that the model has not
    print(user.mail)
    # mistake: a field that may be missing taken for present
    print(user.email.lower())
    # mistake: an assignment to a frozen model
    user.email = "jane@example.com"
    # mistake: a nested model that may be missing taken for present
    print(management.branding.get_settings().data.colors.primary)
    # mistake: a list that may be missing gone through
    for identity in user.identities:
        print(identity)
    # mistake: a status compared with a text
    print(management.roles.get("rol_1").status == "200")
    # mistake: models of different kinds compared
    print(management.roles.get("rol_1").data == user)
    # mistake: a model read like a dict
    print(user["email"])
    # mistake: the items of a page taken for something else
    roles: list[Role] = list(management.users.get_all().data)
    # mistake: an iterator of items taken for one of other items
    users: list[User] = list(management.users.get_logs.iter("auth0|1"))
    # mistake: a page taken for an item
    print([page.name for page in management.roles.get_all.pages()])
    # mistake: an item of a page replaced
    management.roles.get_all().data[0] = Role(name="other")
    # mistake: a field of an answer that has no body
    print(management.users.delete("auth0|1").data.user_id)
    # mistake: one of two possible answers taken for granted
    print(management.jobs.get_errors("job_1").data[0])
    # mistake: something that is no time parsed as one
    parse_timestamp(user)
    # mistake: a parsed time that may be missing taken for present
    print(parse_timestamp(user.created_at).year)
    try:
        print(roles, users)
    except ApiError as error:
        # mistake: an attribute that an error has not
        print(error.status_code)


async def asynchronous(management: AsyncManagementClient, blocking: ManagementClient) -> None:
    # mistake: `await` forgotten before the answer is read
    print(management.users.get("auth0|1").data)
    # mistake: `await` forgotten altogether
    management.users.delete("auth0|1")
    # mistake: `async for` over one page
    async for member in management.organizations.get_members("org_1"):
        print(member)
    # mistake: `for` over the iterator of an asyncio client
    for user in management.users.get_all.iter():
        print(user)
    # mistake: `async for` over the iterator of a blocking client
    async for other in blocking.users.get_all.iter():
        print(other)
    # mistake: `await` of an iterator
    await management.roles.get_all.iter()
    # mistake: `await` of a blocking call
    await blocking.users.get("auth0|1")
    # mistake: `with` where `async with` is due
    with management as same:
        print(same)
    # mistake: the method of a blocking client mapped by an asyncio one
    management.map(blocking.users.delete, ["auth0|1"])
    # mistake: `for` over the outcomes of an asyncio client
    for outcome in management.map(management.users.delete, ["auth0|1"]):
        print(outcome)
    # mistake: a blocking client where an asyncio one is expected
    await asynchronous(blocking, blocking)


def options(management: ManagementClient, policy: RetryPolicy) -> None:
    # mistake: a domain without its name
    ManagementClient("tenant.example", client_id="c", client_secret="s")
    # mistake: a misspelt option of a client
    ManagementClient(domain="tenant.example", cient_id="c", client_secret="s")
    # mistake: an option of a wrong type
    ManagementClient(domain="tenant.example", token="t", timeout="10")
    # mistake: a function of a wrong type as the token
    ManagementClient(domain="tenant.example", token=lambda: 42)
    # mistake: the domain as a positional argument
    ManagementClient("tenant.example")
    # mistake: a misspelt key of options that are made beforehand
    given: Options = {"domian": "tenant.example"}
    ManagementClient(**given)
    # mistake: a misspelt option of a view
    management.with_options(time_out=5)
    # mistake: an option of a view of a wrong type
    management.with_options(headers=["x-trace"])
    # mistake: an option that belongs to the whole client
    management.with_options(client_id="c")
    # mistake: a misspelt field of a retry policy
    RetryPolicy(max_retries=5)
    # mistake: a field of a retry policy of a wrong type
    RetryPolicy(retries="5")
    # mistake: an assignment to a frozen policy
    policy.retries = 5
    # mistake: a number where a retry policy is due
    ManagementClient(domain="tenant.example", token="t", retry=3)
    # mistake: a misspelt field of the TLS settings
    TLS(certificate="client.pem")


def no_transport(request: Request, timeout: float) -> Response:
    return Response(status=200, body=request.url.encode())


def no_answer(request: Request) -> bytes:
    return request.url.encode()


def no_flow(request: Request, inner: Handler) -> Response:
    return Response(status=204)


def middleware(request: Request, inner: Handler) -> Response:
    # mistake: a middleware that returns the flow of the next one as if it were the answer
    return inner(request)


class NoTransport:
    """Sends, and cannot be closed."""

    def send(self, request: Request, /) -> Response:
        return Response(status=204)


class TextTransport:
    """Answers with a text."""

    def send(self, request: Request, /) -> str:
        return request.url

    def close(self) -> None: ...


def extensions() -> None:
    # mistake: a transport without one of its methods
    ManagementClient(domain="tenant.example", token="t", transport=NoTransport())
    # mistake: a transport whose method returns no response
    ManagementClient(domain="tenant.example", token="t", transport=TextTransport())
    # mistake: a class of a transport where one of its objects is due
    ManagementClient(domain="tenant.example", token="t", transport=NoTransport)
    # mistake: a plugin where a list of plugins is due
    ManagementClient(domain="tenant.example", token="t", plugins=FileTokenStore("tokens"))
    # mistake: a misspelt argument of a plugin
    FileTokenStore(folder="tokens")
    # mistake: an argument of a plugin of a wrong type
    FileTokenStore("tokens", key=17)
    # mistake: a misspelt argument of a built-in transport
    HttpClientTransport(tsl=TLS())
    # mistake: an argument of a built-in transport of a wrong type
    HttpClientTransport(max_response_bytes="1 MiB")
    # mistake: a transport function of a wrong signature
    ManagementClient(domain="tenant.example", token="t", transport=no_transport)
    # mistake: a transport function that returns no response
    ManagementClient(domain="tenant.example", token="t", transport=no_answer)
    # mistake: a middleware that is no generator
    layer: Middleware = no_flow
    # mistake: a function of one argument as a middleware
    layers: list[Middleware] = [no_answer]
    # mistake: a request changed in place
    Request(method="GET", url="https://tenant.example").timeout = 5
    print(layer, layers)


def authentication(auth: AuthenticationClient) -> None:
    # mistake: a grant without a required argument
    auth.oauth.authorization_code_grant_with_pkce(code="c", redirect_uri="https://app.example.com")
    # mistake: an unknown argument of a grant
    auth.oauth.password_grant(user="jane", password="p")
    # mistake: a misspelt check of the ID token
    auth.oauth.password_grant(username="jane", password="p", id_token=IdTokenChecks(nonse="n"))
    # mistake: an attribute that a set of tokens has not
    print(auth.oauth.client_credentials_grant(audience="a").data.token)
    # mistake: a resource of the other API
    auth.users.get("auth0|1")
