"""The extension points: what a plugin may offer while a client is being built."""

import pluggy

hookimpl = pluggy.HookimplMarker("anyauth0")
"""Marks a function of a plugin as the implementation of the hook of its name."""
