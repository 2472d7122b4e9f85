"""A tour: sign up, log in, refresh, revoke; list, update and import users; read the logs.

It runs on the embedded tenant: no account, no network. See setting.py for how to run it on your own.
"""

import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from anyauth0 import AuthenticationClient, ManagementClient
from anyauth0.management.jobs import Job
from setting import PASSWORD, Setting, run

ROWS = 200


def main(setting: Setting) -> None:
    """Do all of it, and tell in plain words."""
    console = Console(highlight=False)
    console.print(f"[bold]anyauth0[/bold], a tour of [bold]{setting.domain}[/bold]\n")
    with AuthenticationClient(**setting.options) as auth, ManagementClient(**setting.options) as management:
        user_id = log_in(console, setting, auth)
        look_after_users(console, management, user_id)
        import_users(console, setting, management)
        read_logs(console, management)
    console.print("\nDone. Each step is a file of its own in examples/.")


def log_in(console: Console, setting: Setting, auth: AuthenticationClient) -> str:
    """Sign a user up, log in, refresh, and revoke; return the id of the user."""
    email = setting.new_email()
    auth.database.sign_up(email=email, password=PASSWORD, connection=setting.connection)
    console.print(f"Signed up {email}.")

    tokens = auth.oauth.password_grant(
        username=email,
        password=PASSWORD,
        realm=setting.connection,
        scope="openid profile email offline_access",
    ).data
    user_id = str(tokens.claims["sub"])
    console.print(f"Logged in: the ID token is signed by {tokens.claims['iss']}, for {user_id}.")

    profile = auth.user_info.get(tokens.access_token).data
    console.print(f"The access token opens the profile of {profile.email}.")

    assert tokens.refresh_token
    new = auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token).data
    console.print(f"Refreshed: a new access token, good for {new.expires_in} seconds.")
    auth.oauth.revoke_refresh_token(token=new.refresh_token or tokens.refresh_token)
    console.print("Revoked the refresh token.")
    return user_id


def look_after_users(console: Console, management: ManagementClient, user_id: str) -> None:
    """Update one user, and list them all."""
    user = management.users.update(user_id, user_metadata={"plan": "pro"}).data
    console.print(f"Updated {user.email}: user_metadata is {user.user_metadata}.")
    emails = [user.email for user in management.users.get_all.iter(sort="created_at:-1")]
    console.print(f"Listed the users: {len(emails)}, the newest is {emails[0]}.")


def import_users(console: Console, setting: Setting, management: ManagementClient) -> None:
    """Import users from a JSON file, with a bar to look at."""
    [connection] = management.connections.get_all(name=setting.connection).data
    with tempfile.TemporaryDirectory() as folder, Progress(console=console) as progress:
        file = Path(folder, "users.json")
        rows = [{"email": f"quick-{number}@example.com", "email_verified": True} for number in range(ROWS)]
        file.write_text(json.dumps(rows))

        bar = progress.add_task(f"Importing {ROWS} users", total=100)

        def show(job: Job) -> None:
            done = 100 if job.status == "completed" else job.percentage_done
            progress.update(bar, completed=done or 0)

        job = management.jobs.import_users(users=file, connection_id=connection.id, upsert=True).data
        done = management.jobs.wait(job.id, progress=show)
    summary = done.summary
    inserted, updated = (summary.inserted, summary.updated) if summary else (0, 0)
    console.print(f"The import is {done.status}: {inserted} users are new, {updated} were there.")


def read_logs(console: Console, management: ManagementClient) -> None:
    """Read the logs to the last entry."""
    kinds: dict[str, int] = {}
    for entry in management.logs.get_all.iter():
        kinds[entry.type] = kinds.get(entry.type, 0) + 1
    counted = ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
    console.print(f"Read {sum(kinds.values())} log entries to the last one: {counted}.")


if __name__ == "__main__":
    run(main)
