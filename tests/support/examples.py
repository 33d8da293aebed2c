"""How much Hypothesis tries: a fifth in the quick part of the tests (`-m "not slow"`)."""

from hypothesis import HealthCheck, settings

_USUALLY = 100
"""Of a test that says nothing."""
_QUICK = 20


def set_up_hypothesis(*, is_quick: bool) -> None:
    """For all tests of this process. No deadline, and no complaint of slow examples: machines are
    busy. Of what else a CI asks, such as the same examples in each run, everything stays."""
    settings.register_profile(
        "flowc",
        max_examples=_QUICK if is_quick else _USUALLY,
        deadline=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.function_scoped_fixture,  # a directory that examples share
        ],
    )
    settings.load_profile("flowc")


def share(count: int) -> int:
    """That much, and in the quick part a fifth of it."""
    return max(2, count * settings().max_examples // _USUALLY)


def examples(count: int) -> settings:
    """So many, and in the quick part a fifth of them. Decorates a test."""
    return settings(max_examples=share(count))
