"""The master key: its file, its text, and what it does for the registry."""

import base64
import os
import pickle
import stat
from pathlib import Path
from uuid import UUID

import pytest

from events.registry.contract import RegistryUnfit
from events.registry.master_key import MasterKey, create_master_key, is_private, load_master_key

MATERIAL = bytes(range(32))
MASTER = MasterKey.of(MATERIAL)
TEXT = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
OWNER = UUID("0b6cfe9b-2c1f-4b58-9a7e-51d2a35f2f10")
KEY = bytes(reversed(range(32)))


def key_file(folder: Path, text: str, *, mode: int = 0o600) -> Path:
    path = folder / "master.key"
    path.write_text(text)
    path.chmod(mode)
    return path


# File and text


def test_a_created_key_is_private_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    created = create_master_key(path)

    assert load_master_key(path) == created
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]


def test_the_text_of_a_created_key_loads_from_the_environment_too(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    assert create_master_key(path) == load_master_key(path.read_text())


def test_created_keys_differ(tmp_path: Path) -> None:
    assert create_master_key(tmp_path / "a") != create_master_key(tmp_path / "b")


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = key_file(tmp_path, TEXT)
    with pytest.raises(RegistryUnfit, match="never overwritten"):
        create_master_key(path)

    assert path.read_text() == TEXT
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnfit, match=r"nowhere/master\.key: No such file"):
        create_master_key(tmp_path / "nowhere" / "master.key")


def test_a_crash_before_the_end_leaves_no_key_under_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        create_master_key(tmp_path / "master.key")
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT, id="hex"),
        pytest.param(TEXT.upper(), id="capital hex"),
        pytest.param(f"  {TEXT}\n", id="space around it"),
        pytest.param(f"{TEXT}:{MASTER.fingerprint[:8]}", id="with its check"),
        pytest.param(base64.b64encode(MATERIAL).decode(), id="base64"),
        pytest.param(f"{base64.b64encode(MATERIAL).decode()}:{MASTER.fingerprint[:8].upper()}", id="base64 and check"),
    ],
)
def test_all_forms_of_the_text_are_one_key(text: str, tmp_path: Path) -> None:
    assert load_master_key(text) == MASTER
    assert load_master_key(key_file(tmp_path, text)) == MASTER


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(TEXT[:-1], id="a digit lost"),
        pytest.param(TEXT[:-2], id="a byte lost"),
        pytest.param(TEXT + "20", id="a byte too many"),
        pytest.param("x" + TEXT[1:], id="no hex"),
        pytest.param(base64.b64encode(MATERIAL[:16]).decode(), id="16 bytes"),
        pytest.param("é" * 44, id="no ASCII"),
    ],
)
def test_a_text_that_is_no_key_is_refused_without_showing_it(text: str, tmp_path: Path) -> None:
    for source in (text, key_file(tmp_path, text)):
        with pytest.raises(RegistryUnfit, match="holds no master key") as refused:
            load_master_key(source)
        assert not text or text not in str(refused.value)


def test_a_mistyped_key_is_caught_by_its_check() -> None:
    with pytest.raises(RegistryUnfit, match="mistyped") as refused:
        load_master_key(f"{TEXT[:-1]}e:{MASTER.fingerprint[:8]}")
    assert TEXT[:-1] not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnfit, match=r"none\.key cannot be read: No such file or directory"):
        load_master_key(tmp_path / "none.key")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o620, 0o602])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(RegistryUnfit, match=f"mode {mode:04o}.*chmod 600"):
        load_master_key(key_file(tmp_path, TEXT, mode=mode))


def test_a_group_may_read_what_root_hands_to_it_and_nothing_else() -> None:
    root, ann = 0, 1000

    assert is_private(0o100600, ann)
    assert is_private(0o100400, ann)
    assert is_private(0o100640, root)
    assert not is_private(0o100640, ann)
    assert not is_private(0o100660, root)
    assert not is_private(0o100604, root)


# Wrapping


def test_a_wrapped_key_opens_for_its_serial_and_owner_only() -> None:
    wrapped = MASTER.wrap(7, OWNER, KEY)

    assert MASTER.unwrap(7, OWNER, wrapped) == KEY
    assert KEY not in wrapped
    for serial, owner in ((8, OWNER), (7, UUID(int=1))):
        with pytest.raises(RegistryUnfit, match=f"Key {serial} in the registry does not open"):
            MASTER.unwrap(serial, owner, wrapped)


def test_wrapping_twice_gives_different_bytes() -> None:
    assert MASTER.wrap(7, OWNER, KEY) != MASTER.wrap(7, OWNER, KEY)


def test_another_master_key_opens_nothing() -> None:
    with pytest.raises(RegistryUnfit):
        MasterKey.random().unwrap(7, OWNER, MASTER.wrap(7, OWNER, KEY))


@pytest.mark.parametrize("length", [0, 5, 12, 20, 59])
def test_a_wrapped_key_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(RegistryUnfit):
        MASTER.unwrap(7, OWNER, MASTER.wrap(7, OWNER, KEY)[:length])


def test_wrapped_keys_of_the_past_still_open() -> None:
    """Bytes that were once written: they are in the registries of running ledgers."""
    wrapped = bytes.fromhex(
        "8a1753795acdede29bb66d363d57149190c641f971008865bea223b93b99"
        "2cbf0cf6ccd6a8e15435ebb31842ce219c35fe04334eb9fbbe15b97901a9"
    )
    assert MASTER.unwrap(7, OWNER, wrapped) == KEY


# Identifiers and fingerprint


def test_identifiers_and_fingerprint_are_those_of_the_past() -> None:
    """Were they to change, every student would get a new ref."""
    assert (
        MASTER.identifier_of("louisiana-sts", "9000000001").hex()
        == "598227dcceda3f58be973ab31ec92a11b1022838193b9aa19d73905d6edd1b95"
    )
    assert MASTER.fingerprint == "dd630a267d515202"


def test_an_identifier_depends_on_master_key_system_and_id() -> None:
    identifiers = {
        MASTER.identifier_of("a", "12"),
        MASTER.identifier_of("a", "13"),
        MASTER.identifier_of("a1", "2"),
        MASTER.identifier_of("b", "12"),
        MasterKey.random().identifier_of("a", "12"),
    }
    assert len(identifiers) == 5
    assert MASTER.identifier_of("a", "12") in identifiers


def test_nothing_of_the_key_shows() -> None:
    assert repr(MASTER) == f"MasterKey(fingerprint='{MASTER.fingerprint}')"
    with pytest.raises(TypeError):
        pickle.dumps(MASTER)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(RegistryUnfit, match="32 bytes, but 16"):
        MasterKey.of(MATERIAL[:16])
