"""Go through a list of users, page by page and all at once."""

from anyauth0 import ManagementClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """List the users twice: by hand, then by `iter`."""
    with setting.account(), setting.account(), ManagementClient(**setting.options) as management:
        users: list[str] = []
        page = 0
        while True:
            answer = management.users.get_all(page=page, per_page=1, include_totals=True).data
            users += [user.user_id for user in answer]
            page += 1
            if not answer or len(users) == answer.total:
                break
        print(f"Got {len(users)} users on {page} pages.")

        # The same in one line, and beyond the first 1000 users, where pages by number end.
        for user in management.users.get_all.iter():
            print(f"  {user.email}")


if __name__ == "__main__":
    run(main)
