"""Publications of a reference table: the newest for a year is in force, and publishing it again changes nothing."""

from functools import reduce

import msgspec

from events.publication import NOTHING_PUBLISHED, Published, ReferencePublished, decide, evolve


def of(effective: int, content: str) -> ReferencePublished:
    return ReferencePublished("sites", effective, content * 64, 10, False, "b" * 64, content * 64)


def after(*events: ReferencePublished) -> Published:
    return reduce(evolve, events, NOTHING_PUBLISHED)


def test_nothing_is_in_force_before_the_first_year() -> None:
    assert after(of(2025, "a")).in_force(2024) is None
    assert NOTHING_PUBLISHED.in_force(2025) is None


def test_a_publication_is_in_force_until_the_next_years() -> None:
    state = after(of(2027, "c"), of(2025, "a"))

    assert [state.in_force(year) for year in (2025, 2026, 2027, 2030)] == [of(2025, "a")] * 2 + [of(2027, "c")] * 2


def test_of_two_for_one_year_the_later_is_in_force() -> None:
    assert after(of(2025, "a"), of(2025, "b")).in_force(2025) == of(2025, "b")


def test_what_is_in_force_already_is_not_published_again() -> None:
    state = after(of(2024, "a"), of(2026, "b"))

    assert decide(of(2024, "a"), state) == ()
    assert decide(of(2025, "a"), state) == ()
    assert decide(msgspec.structs.replace(of(2026, "b"), blob="e" * 64), state) == ()
    assert decide(of(2026, "a"), state) == (of(2026, "a"),)
    assert decide(of(2023, "a"), state) == (of(2023, "a"),)
    assert decide(of(2024, "c"), state) == (of(2024, "c"),)


def test_publishing_an_earlier_content_again_brings_it_back() -> None:
    state = after(of(2025, "a"), of(2025, "b"))

    assert decide(of(2025, "a"), state) == (of(2025, "a"),)
    assert evolve(state, of(2025, "a")).in_force(2025) == of(2025, "a")


def test_the_contents_own_digest_is_sealed() -> None:
    assert "content" not in ReferencePublished.clear_fields
    assert set(ReferencePublished.__struct_fields__) - ReferencePublished.clear_fields == {"content"}
