"""The signed head of a ledger: its last entry, which anybody may keep, so that its owner cannot rewrite the past.

Invariant: a head has the ledger's name, the number and the hash of an entry, and a time; nothing of a release.

The chain of hashes shows every change to somebody who knows an earlier head. Its owner can compute a new chain, so
heads have to be kept elsewhere. The signature shows whose head it is: nobody else can make one, and its owner cannot
deny it. The key is an Ed25519 key (RFC 8032) in a file beside the high-water mark, for its owner alone.
"""

import base64
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from passerby.errors import InputError, LedgerError
from passerby.privacy.high_water_mark import Mark


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head that was signed at `time_ms` (Unix ms UTC); `key` is the signer's public key in base64."""

    mark: Mark
    time_ms: int
    key: str


def sign(mark: Mark, time_ms: int, key_file: Path) -> str:
    """A head as one line of JSON, signed with the key in `key_file`, which is made where there is none.

    Raises LedgerError for a key that cannot be read or made.
    """
    key = _key_of(key_file)
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    content = {
        "ledger": mark.ledger,
        "number": mark.number,
        "hash": mark.hash,
        "time": datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds"),
        "key": public,
    }
    signature = base64.b64encode(key.sign(_bytes_of(content))).decode()
    return json.dumps({**content, "signature": signature})


def read(text: str) -> SignedHead:
    """The head of a line of JSON. Raises InputError where it is none, or where its signature is not that of its key."""
    try:
        content = json.loads(text)
        signature = base64.b64decode(content.pop("signature"), validate=True)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(content["key"], validate=True))
        mark = Mark(str(content["ledger"]), int(content["number"]), str(content["hash"]))
        time_ms = round(datetime.fromisoformat(content["time"]).timestamp() * 1000)
        key.verify(signature, _bytes_of(content))
    except InvalidSignature:
        raise InputError("a head whose signature is not that of its key: it was changed") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError("no signed head, expected a line that `passerby ledger head` printed") from None
    return SignedHead(mark, time_ms, str(content["key"]))


def _bytes_of(content: dict[str, object]) -> bytes:
    return b"passerby ledger head " + json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _key_of(path: Path) -> Ed25519PrivateKey:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise LedgerError(f"{path}: the key of the ledger could not be made: {error.strerror}") from None
    else:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()) + b"\n")
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes(), validate=False))
    except (OSError, ValueError):
        raise LedgerError(
            f"{path}: the key of the ledger could not be read, expected 32 bytes in base64"
        ) from None
