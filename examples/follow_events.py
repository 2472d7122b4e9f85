"""Follow what happens in the tenant, as it happens."""

from datetime import UTC, datetime

from anyauth0 import ManagementClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """Make a user, change it, delete it; then listen to what is told of that."""
    begin = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with ManagementClient(**setting.options) as management:
        with setting.account() as account:
            management.users.update(account.user_id, nickname="jane")

        # It never ends by itself: a line that breaks is opened again, after the last event that came.
        kinds = ["user.created", "user.updated", "user.deleted"]
        for event in management.events.subscribe(from_timestamp=begin, event_type=kinds):
            print(f"  {event.event['time']} {event.type}")
            if event.type == "user.deleted":
                # Keep this where it outlives the program, and go on by `subscribe(from_=...)`.
                print(f"The next time it begins after {event.offset}.")
                break


if __name__ == "__main__":
    run(main)
