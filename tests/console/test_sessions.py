"""Sessions end by themselves, and guessing passwords gets slow.

Invariant: the clock is given, never waited for.
"""

from passerby.console.sessions import FREE_TRIES, IDLE_MS, LONGEST_MS, LONGEST_WAIT_MS, Attempts, Sessions

NOW = 1_790_000_000_000
AIMS = ("10.0.0.1 Ada", "10.0.0.1")


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


def test_each_sign_in_has_a_secret_of_its_own_and_all_of_a_user_can_end() -> None:
    sessions = Sessions()
    one, other = sessions.begin("Ada", NOW)[0], sessions.begin("Ada", NOW)[0]
    third, _ = sessions.begin("Bo", NOW)

    assert one != other
    sessions.end_all("Ada")

    assert sessions.find(one, NOW) is None
    assert sessions.find(other, NOW) is None
    assert sessions.find(third, NOW) is not None


def tries(attempts: Attempts, aims: tuple[str, ...], span_ms: int) -> int:
    """How many passwords somebody can try who never stops, within `span_ms`."""
    count, now_ms = 0, NOW
    while now_ms < NOW + span_ms:
        wait_ms = attempts.begin(aims, now_ms)
        count += wait_ms == 0
        now_ms += wait_ms
    return count


def test_who_guesses_has_few_tries_in_a_day() -> None:
    assert tries(Attempts(), AIMS, 24 * 3_600_000) < 24 * 3_600_000 / LONGEST_WAIT_MS + FREE_TRIES + 10


def test_another_name_from_the_same_address_gives_no_more_tries() -> None:
    attempts = Attempts()
    free = sum(attempts.begin((f"10.0.0.1 name {one}", "10.0.0.1"), NOW) == 0 for one in range(100))

    assert free == FREE_TRIES
    assert attempts.begin(("10.0.0.2 Ada", "10.0.0.2"), NOW) == 0


def test_signing_in_oneself_buys_no_tries_at_others() -> None:
    attempts = Attempts()
    free = 0
    for one in range(50):
        free += attempts.begin((f"10.0.0.1 victim {one}", "10.0.0.1"), NOW) == 0
        own = ("10.0.0.1 own", "10.0.0.1")
        if attempts.begin(own, NOW) == 0:
            attempts.right(own)

    assert free <= FREE_TRIES


def test_the_right_password_makes_earlier_slips_forgotten() -> None:
    attempts = Attempts()
    for _ in range(20):
        assert attempts.begin(AIMS, NOW) == 0
        attempts.right(AIMS)
