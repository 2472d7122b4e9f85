"""The embedded tenant in a process of its own, with one request in twenty going wrong, by a seed.

Says where it is on standard output as JSON, and when its standard input ends, what it has counted.
"""

import json
import random
import sys
from collections import Counter

from anyauth0 import Response
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.faults import Disturbance, Faults
from anyauth0_transports.local.incoming import Incoming, json_response

LIFETIME = 40
"""Seconds that an access token lives; it is renewed when half of them are over."""


class Weather(Faults):
    """Faults by chance: half of them answers (429, 500, 503), half of them broken connections."""

    def __init__(self, rate: float, seed: int) -> None:
        super().__init__()
        self._rate = rate
        self._random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.tokens = 0

    def response(self, incoming: Incoming) -> Response | None:
        """Return an error instead of acting, for one request in forty."""
        if self._random.random() < self._rate / 2:
            status = self._random.choice((429, 500, 503))
            self.done[str(status)] += 1
            return json_response({"statusCode": status, "message": "by chance"}, status, {"retry-after": "0"})
        if incoming.path == "/oauth/token":
            self.tokens += 1
        return None

    def disturbance(self, incoming: Incoming) -> Disturbance:
        """Break one connection in forty, before the tenant acted or after it."""
        if self._random.random() >= self._rate / 2:
            return Disturbance()
        after = self._random.random() < 0.5
        self.done["cut after acting" if after else "cut before acting"] += 1
        # A token whose answer is cut off has to be asked for once more.
        self.tokens -= after and incoming.path == "/oauth/token"
        return Disturbance(reset_before=not after, reset_after=after)


def main(rate: float, seed: int) -> None:
    """Serve until standard input ends."""
    tenant = LocalTenant()
    api = tenant.store.find("resource_servers", identifier=tenant.management_audience)[0]
    tenant.store.put("resource_servers", api["id"], {**api, "token_lifetime": LIFETIME})
    user = tenant.add_user(email="ada@example.com", password="correct-Horse-battery-9")
    tenant.faults = weather = Weather(rate, seed)
    writes: Counter[str] = Counter()
    handle = tenant.handle

    def counting(incoming: Incoming) -> Response:
        response = handle(incoming)
        # One that was refused because the name is taken was a second one all the same.
        if (incoming.method, incoming.path) == ("POST", "/api/v2/roles") and response.status in (
            200,
            201,
            409,
        ):
            writes[json.loads(incoming.body)["name"]] += 1
        return response

    tenant.handle = counting  # type: ignore[method-assign]
    with serve(tenant) as server:
        told = {
            "domain": server.domain,
            "client_id": tenant.client_id,
            "client_secret": tenant.client_secret,
            "ca": server.ca_pem.decode(),
            "user_id": user["user_id"],
        }
        print(json.dumps(told), flush=True)
        sys.stdin.read()
    print(json.dumps({"writes": writes, "faults": weather.done, "tokens": weather.tokens}), flush=True)
    tenant.close()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
