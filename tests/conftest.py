"""What holds for every test: how fast this machine is today fails none."""

from hypothesis import HealthCheck, settings

settings.register_profile("anyauth0", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anyauth0")
