"""Every event that this code can read, by its stored name. Golden files hold real bytes of each version."""

from events.identity import StudentErased, StudentIdentified
from events.stored import Catalogue, Event
from events.student import (
    CourseAdded,
    CourseDeleted,
    CourseEdited,
    CredentialAdded,
    CredentialDeleted,
    CredentialEdited,
    CredentialsReplaced,
    StudentEdited,
    StudentRecordSubmitted,
    StudentRemoved,
)
from events.upload import UploadChecked, UploadClosed, UploadReceived, UploadRefused

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
    StudentIdentified,
    StudentErased,
)

CATALOGUE = Catalogue(events={event.stored_name: event for event in EVENTS}, upcasters={})
