"""The master key: 32 bytes, kept outside the registry, that wrap all students' keys and blind their state ids.

Whoever has the registry without this key has nothing. Whoever loses this key loses every student's data, so it is
backed up apart from the registry. Each use has a key of its own, derived by HKDF (RFC 5869).

As text it is 64 hex digits or 44 characters of base64, with a check after a colon that catches typing errors:

    3f...a7:0d1c9a5e
"""

import base64
import binascii
import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from events.durable import sync_folder, write_new_file
from events.registry.contract import RegistryUnfit
from events.sealing import KEY_BYTES, NONCE_BYTES, context_of, derive_key

CHECK_DIGITS = 8


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The derived keys of one master key. Nothing of them shows in its repr."""

    _wrapping: AESGCM = field(repr=False, compare=False)
    _blinding: bytes = field(repr=False)
    fingerprint: str
    """16 hex digits that tell master keys apart and tell nothing about them; kept in the registry."""

    @classmethod
    def of(cls, material: bytes) -> "MasterKey":
        """Return the master key made of 32 bytes. Raises RegistryUnfit for any other number."""
        if len(material) != KEY_BYTES:
            raise RegistryUnfit(f"A master key has {KEY_BYTES} bytes, but {len(material)} were given.")
        return cls(AESGCM(derive_key(material, b"wrap")), derive_key(material, b"state-id"), _fingerprint(material))

    @classmethod
    def random(cls) -> "MasterKey":
        """Return a new master key that is written nowhere: for tests and for what need not outlive the process."""
        return cls.of(os.urandom(KEY_BYTES))

    def wrap(self, serial: int, owner: UUID, material: bytes) -> bytes:
        """Return a key encrypted for the registry (AES-256-GCM); serial and owner are bound to it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, material, _key_context(serial, owner))

    def unwrap(self, serial: int, owner: UUID, wrapped: bytes) -> bytes:
        """Return the key that was wrapped for this serial and owner. Raises RegistryUnfit if it does not open."""
        try:
            return self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _key_context(serial, owner))
        except (InvalidTag, ValueError):
            raise RegistryUnfit(
                f"Key {serial} in the registry does not open: it is damaged, or belongs to another serial or owner. "
                "Restore the registry from its backup."
            ) from None

    def identifier_of(self, state_system: str, state_id: str) -> bytes:
        """Return 32 bytes that stand for a state id in the registry: an HMAC, as the few digits could be guessed.

        Raises ValueError for a blank id, which would make one student of all who have none.
        """
        if not state_id.strip():
            raise ValueError("a state id must not be blank")
        return hmac.digest(self._blinding, context_of("state-id", state_system.encode(), state_id.encode()), "sha256")


def load_master_key(source: Path | str) -> MasterKey:
    """Return the master key in a file (a Path) or in a text such as an environment variable's value (a str).

    Raises RegistryUnfit when the file is missing or open to other users, or the text is no key.
    """
    if isinstance(source, Path):
        return MasterKey.of(_parse(_read_private(source), f"The file {source}"))
    return MasterKey.of(_parse(source, "The given text"))


def create_master_key(path: Path) -> MasterKey:
    """Make a new master key, write it to `path` (mode 0600, durable before return) and return it.

    The file comes into being whole: a crash leaves none or a complete one. Raises RegistryUnfit when there is
    a file already, which is never overwritten, or none can be written.
    """
    material = os.urandom(KEY_BYTES)
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        write_new_file(draft, f"{material.hex()}:{_fingerprint(material)[:CHECK_DIGITS]}\n".encode())
        os.link(draft, path)  # unlike a rename, a link never replaces a file that another process has just made
    except FileExistsError:
        raise RegistryUnfit(f"There is a master key at {path} already; it is never overwritten. Use it.") from None
    except OSError as error:
        raise RegistryUnfit(f"No master key can be written to {path}: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return MasterKey.of(material)


def is_private(mode: int, owner: int) -> bool:
    """Tell whether a key file with these permissions is closed to other users.

    The rule is PostgreSQL's for its server key: 0600 or less, or 0640 or less for a file of root, which is how
    orchestrators hand secrets to a program that is not root.
    """
    forbidden = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP | (0 if owner == 0 else stat.S_IRGRP)
    return not mode & forbidden


def _key_context(serial: int, owner: UUID) -> bytes:
    return context_of("key", serial.to_bytes(8, "big"), owner.bytes)


def _fingerprint(material: bytes) -> str:
    return derive_key(material, b"fingerprint")[:8].hex()


def _parse(text: str, what: str) -> bytes:
    digits, _, check = text.strip().partition(":")
    try:
        material = bytes.fromhex(digits) if len(digits) == 2 * KEY_BYTES else base64.b64decode(digits, validate=True)
    except (ValueError, binascii.Error):
        material = b""
    if len(material) != KEY_BYTES:
        raise RegistryUnfit(
            f"{what} holds no master key. Expected are 64 hex digits or 44 characters of base64, "
            "with or without a check after a colon. Restore it from your backup."
        )
    if check and check.lower() != _fingerprint(material)[:CHECK_DIGITS]:
        raise RegistryUnfit(
            f"{what} holds a master key that does not agree with the check behind it: a character was mistyped or "
            "lost. Restore it from your backup."
        )
    return material


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not is_private(status.st_mode, status.st_uid):
                raise RegistryUnfit(
                    f"The master key {path} is open to other users of this machine (mode "
                    f"{stat.S_IMODE(status.st_mode):04o}). Close it by `chmod 600`; if others may have read it, "
                    "treat it as lost."
                )
            return file.read(4096).decode("ascii", "replace")
    except OSError as error:
        raise RegistryUnfit(
            f"The master key {path} cannot be read: {error.strerror}. Restore it from your backup."
        ) from error
