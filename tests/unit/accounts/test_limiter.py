"""Guessing is slowed down, and only for those who guess."""

import pytest

from lightnvr.accounts.limiter import LimiterRules, LoginLimiter
from lightnvr.accounts.model import TooManyAttempts


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> LoginLimiter:
    return LoginLimiter(LimiterRules(True, 3, 100), clock)


def guess(limiter: LoginLimiter, times: int, address: str = "192.0.2.1", account: str = "admin") -> None:
    for _ in range(times):
        limiter.charge(address, account)


def wait_for(limiter: LoginLimiter, address: str = "192.0.2.1", account: str = "admin") -> int:
    with pytest.raises(TooManyAttempts) as refused:
        limiter.charge(address, account)
    return refused.value.retry_after_s


def test_as_many_guesses_as_allowed_then_a_wait(limiter: LoginLimiter, clock: Clock) -> None:
    guess(limiter, 3)
    assert wait_for(limiter) == 101
    clock.now += 60
    assert wait_for(limiter) == 41
    clock.now += 41
    guess(limiter, 1)


def test_each_wait_is_twice_as_long_up_to_an_hour(limiter: LoginLimiter, clock: Clock) -> None:
    waits = []
    for _ in range(8):
        guess(limiter, 3)
        waits.append(wait_for(limiter) - 1)
        clock.now += waits[-1]
    assert waits == [100, 200, 400, 800, 1600, 3200, 3600, 3600]


def test_a_quiet_time_forgets(limiter: LoginLimiter, clock: Clock) -> None:
    guess(limiter, 2)
    clock.now += 101
    guess(limiter, 3)
    assert wait_for(limiter) == 101
    clock.now += 100 + 101
    guess(limiter, 3)
    assert wait_for(limiter) == 101


def test_the_right_password_forgets(limiter: LoginLimiter) -> None:
    for _ in range(10):
        guess(limiter, 3)
        limiter.succeeded("192.0.2.1", "admin")


def test_nobody_is_locked_out_by_somebody_elsewhere(limiter: LoginLimiter) -> None:
    guess(limiter, 3)
    wait_for(limiter)
    guess(limiter, 3, address="192.0.2.2")


def test_trying_many_names_from_one_address_is_slowed_down(limiter: LoginLimiter) -> None:
    for number in range(12):
        guess(limiter, 1, account=f"name {number}")
    assert wait_for(limiter, account="another") == 101


def test_a_user_with_a_good_history_there_is_not_kept_out_by_that(limiter: LoginLimiter) -> None:
    guess(limiter, 1, account="owner")
    limiter.succeeded("192.0.2.1", "owner")
    for number in range(11):
        guess(limiter, 1, account=f"name {number}")
    guess(limiter, 1, account="other")
    wait_for(limiter, account="another")
    guess(limiter, 1, account="owner")


def test_a_household_has_one_ipv6_network(limiter: LoginLimiter) -> None:
    for number in range(3):
        guess(limiter, 1, address=f"2001:db8::{number}")
    wait_for(limiter, address="2001:db8::ffff")
    guess(limiter, 1, address="2001:db8:0:1::1")
    guess(limiter, 3, address="::ffff:192.0.2.9")
    wait_for(limiter, address="192.0.2.9")


def test_memory_is_bounded(limiter: LoginLimiter) -> None:
    for number in range(20_000):
        limiter.charge(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "admin")
        limiter.succeeded(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "admin")
    guess(limiter, 3)
    wait_for(limiter)


def test_it_can_be_switched_off(clock: Clock) -> None:
    guess(LoginLimiter(LimiterRules(False, 1, 100), clock), 50)


def test_an_account_of_ones_own_does_not_pay_for_guesses_at_others(limiter: LoginLimiter) -> None:
    limiter.charge("192.0.2.1", "mine")
    limiter.succeeded("192.0.2.1", "mine")
    for number in range(12):
        limiter.charge("192.0.2.1", f"user {number}")
        limiter.charge("192.0.2.1", "mine")
        limiter.succeeded("192.0.2.1", "mine")
    assert wait_for(limiter, account="another") > 0
