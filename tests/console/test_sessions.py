"""Sessions end after a time, and guessing passwords gets slow.

Invariant: tests pass the time; no test waits.
"""

from passerby.console.sessions import FREE_TRIES, IDLE_MS, LONGEST_MS, LONGEST_WAIT_MS, Attempts, Sessions

NOW = 1_790_000_000_000
TARGETS = ("10.0.0.1 Ada", "10.0.0.1")


def test_a_session_ends_when_it_is_not_used() -> None:
    sessions = Sessions()
    secret, session = sessions.begin("Ada", NOW)

    assert sessions.find(secret, NOW + IDLE_MS - 1) == session
    assert sessions.find(secret, NOW + IDLE_MS) is None


def test_a_session_that_is_used_ends_after_a_day_of_work() -> None:
    sessions = Sessions()
    secret, session = sessions.begin("Ada", NOW)

    for used_ms in range(NOW, NOW + LONGEST_MS, IDLE_MS // 2):
        assert sessions.find(secret, used_ms) is not None
        sessions.use(session.key, used_ms)

    assert sessions.find(secret, NOW + LONGEST_MS) is None


def test_each_session_has_its_own_secret_and_all_of_a_user_can_end() -> None:
    sessions = Sessions()
    first, second = sessions.begin("Ada", NOW)[0], sessions.begin("Ada", NOW)[0]
    third, _ = sessions.begin("Bo", NOW)

    assert first != second
    sessions.end_all("Ada")

    assert sessions.find(first, NOW) is None
    assert sessions.find(second, NOW) is None
    assert sessions.find(third, NOW) is not None


def tries(attempts: Attempts, targets: tuple[str, ...], span_ms: int) -> int:
    """The number of passwords that an attacker who never pauses can try within `span_ms`."""
    count, now_ms = 0, NOW
    while now_ms < NOW + span_ms:
        wait_ms = attempts.begin(targets, now_ms)
        count += wait_ms == 0
        now_ms += wait_ms
    return count


def test_an_attacker_has_few_attempts_in_a_day() -> None:
    assert tries(Attempts(), TARGETS, 24 * 3_600_000) < 24 * 3_600_000 / LONGEST_WAIT_MS + FREE_TRIES + 10


def test_another_name_from_the_same_address_gives_no_more_attempts() -> None:
    attempts = Attempts()
    free = sum(attempts.begin((f"10.0.0.1 name {number}", "10.0.0.1"), NOW) == 0 for number in range(100))

    assert free == FREE_TRIES
    assert attempts.begin(("10.0.0.2 Ada", "10.0.0.2"), NOW) == 0


def test_signing_in_gives_no_attempts_at_the_names_of_others() -> None:
    attempts = Attempts()
    free = 0
    for number in range(50):
        free += attempts.begin((f"10.0.0.1 victim {number}", "10.0.0.1"), NOW) == 0
        own = ("10.0.0.1 own", "10.0.0.1")
        if attempts.begin(own, NOW) == 0:
            attempts.succeed(own)

    assert free <= FREE_TRIES


def test_the_right_password_clears_earlier_failures() -> None:
    attempts = Attempts()
    for _ in range(20):
        assert attempts.begin(TARGETS, NOW) == 0
        attempts.succeed(TARGETS)
