"""The transports that come with `anyauth0`: urllib3, aiohttp, any function, and the embedded tenant.

PYTEST_DONT_REWRITE: see `anyauth0`.
"""
