"""Every event that this code can read, by its stored name. Golden files hold real bytes of each version."""

from events.certification import SiteCertified, SiteUncertified
from events.collection import CollectionClosed, CollectionOpened, PriorYearAccessGranted
from events.identity import StudentErased, StudentIdentified, add_ethnicity
from events.official_transcript import OfficialTranscriptRejected, OfficialTranscriptRendered
from events.publication import ReferencePublished
from events.stored import Catalogue, Event
from events.student import (
    CourseAdded,
    CourseDeleted,
    CourseEdited,
    CredentialAdded,
    CredentialDeleted,
    CredentialEdited,
    CredentialsReplaced,
    GraduationDateRemoved,
    StudentEdited,
    StudentMoved,
    StudentReassignedIn,
    StudentRecordSubmitted,
    StudentRemoved,
    StudentRolledOver,
)
from events.upload import UploadChecked, UploadClosed, UploadReceived, UploadRefused, add_expected_plan

EVENTS: tuple[type[Event], ...] = (
    UploadReceived,
    UploadRefused,
    UploadChecked,
    UploadClosed,
    StudentRecordSubmitted,
    CredentialsReplaced,
    StudentEdited,
    CourseAdded,
    CourseEdited,
    CourseDeleted,
    CredentialAdded,
    CredentialEdited,
    CredentialDeleted,
    StudentRemoved,
    GraduationDateRemoved,
    StudentReassignedIn,
    StudentMoved,
    StudentRolledOver,
    StudentIdentified,
    StudentErased,
    SiteCertified,
    SiteUncertified,
    OfficialTranscriptRendered,
    OfficialTranscriptRejected,
    CollectionOpened,
    CollectionClosed,
    PriorYearAccessGranted,
    ReferencePublished,
)

CATALOGUE = Catalogue(
    events={event.stored_name: event for event in EVENTS},
    upcasters={
        (StudentIdentified.stored_name, 1): add_ethnicity,
        (UploadReceived.stored_name, 1): add_expected_plan,
    },
)
