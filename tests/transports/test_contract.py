"""Each transport of ours that opens connections keeps the contract."""

from typing import Any

from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.http_client import HttpClientTransport
from anyauth0_transports.urllib3 import Urllib3Transport

from .contract import Contract


class TestUrllib3(Contract):
    def make(self, **options: Any) -> Urllib3Transport:
        return Urllib3Transport(**options)


class TestAiohttp(Contract):
    def make(self, **options: Any) -> AiohttpTransport:
        return AiohttpTransport(**options)


class TestHttpClient(Contract):
    def make(self, **options: Any) -> HttpClientTransport:
        return HttpClientTransport(**options)
