"""What may happen to a site's certification, and who a nonpublic 020 says its student is."""

from uuid import UUID

import pytest

from events.certification import (
    CertificationEvent,
    CertificationState,
    Certified,
    Graduate,
    NotCertified,
    SiteCertified,
    SiteUncertified,
    decide,
    evolve,
)
from events.identity import StudentIdentified, identity_in_record
from schemas.louisiana_sts.records import RACE_FLAGS, Fields
from tests.support.spec import Spec

ONE, TWO = Graduate(UUID(int=1), 3, "a", "b"), Graduate(UUID(int=2), 1, "c", "")
LIST, WITHDRAWN = SiteCertified((ONE, TWO)), SiteUncertified("wrong data were sent")

SPEC: Spec[CertificationState, CertificationEvent, CertificationEvent] = Spec(NotCertified(), evolve, decide)


def test_a_site_is_certified_withdrawn_and_certified_again() -> None:
    assert SPEC.given().when(LIST).then(LIST) == Certified((ONE, TWO))
    assert SPEC.given(LIST).when(WITHDRAWN).then(WITHDRAWN) == NotCertified()
    SPEC.given(LIST, WITHDRAWN).when(LIST).then(LIST)


@pytest.mark.parametrize(
    "graduates",
    [
        (ONE,),
        (),
        (ONE, Graduate(TWO.ref, 2, TWO.record, TWO.identity)),
        (ONE, Graduate(TWO.ref, 1, "d", TWO.identity)),
        (ONE, Graduate(TWO.ref, 1, TWO.record, "e")),
    ],
    ids=["one less", "nobody", "another version", "another record", "another identity"],
)
def test_another_list_replaces_the_one_that_counts(graduates: tuple[Graduate, ...]) -> None:
    again = SiteCertified(graduates)
    assert SPEC.given(LIST).when(again).then(again) == Certified(graduates)


def test_the_same_list_in_any_order_changes_nothing() -> None:
    SPEC.given(LIST).when(SiteCertified((TWO, ONE))).then_nothing()


@pytest.mark.parametrize("before", [(), (LIST, WITHDRAWN)])
def test_what_does_not_count_cannot_be_withdrawn(before: tuple[CertificationEvent, ...]) -> None:
    SPEC.given(*before).when(WITHDRAWN).then_nothing()


# --- The identity in a nonpublic 020 --------------------------------------------------------------------------------

RECORD: Fields = {
    "state_identification_number": "666010001",
    "first_name": "Vorimquenda",
    "middle_name": "Tholme",
    "last_name": "Zylthmarope",
    "suffix_name": "Jr",
    "birth_date": "02282009",
    "sex_code": "F",
    **dict.fromkeys(RACE_FLAGS, "N"),
    "white_race_flag": "Y",
}


def test_a_nonpublic_record_says_who_its_student_is() -> None:
    assert identity_in_record(RECORD) == StudentIdentified(
        "Vorimquenda", "Zylthmarope", "Tholme", "Jr", "2009-02-28", "666010001", "F", "NNNNNY"
    )


@pytest.mark.parametrize("state_id", ["995061301", "912345678"])
def test_a_number_that_is_never_issued_is_no_social_security_number(state_id: str) -> None:
    assert identity_in_record(RECORD | {"state_identification_number": state_id}).ssn == ""


@pytest.mark.parametrize("birth_date", ["", "02302009", "2009", "13012009"])
def test_what_is_no_day_is_not_known(birth_date: str) -> None:
    assert identity_in_record(RECORD | {"birth_date": birth_date}).birth_date == ""
