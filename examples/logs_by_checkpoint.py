"""Read the logs to the last one, by checkpoint."""

from anyauth0 import ManagementClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """Read the logs twice: by hand, then by `iter`."""
    with setting.account(), ManagementClient(**setting.options) as management:
        logs: list[str] = []
        from_ = ""
        while page := management.logs.get_all(from_=from_, take=100).data:
            logs += [entry.type for entry in page]
            from_ = page[-1].log_id
        print(f"Read {len(logs)} log entries.")

        # The same in one line; `from_=` goes on where you left off.
        for entry in management.logs.get_all.iter():
            print(f"  {entry.date} {entry.type}")


if __name__ == "__main__":
    run(main)
