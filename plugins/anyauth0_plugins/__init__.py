"""The plugins that come with anyauth0: each uses the same hooks that any other plugin can use.

PYTEST_DONT_REWRITE: see `anyauth0`.
"""
