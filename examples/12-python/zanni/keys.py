"""The key pair that follows from a secret: who has the secret has the keys, at both ends of a connection."""

from __future__ import annotations

from typing import NamedTuple

from .errors import NotTrusted

SALT = b"zanni/1 secret\0\0"
OPERATIONS, MEMORY = 2, 64 << 20      # of Argon2id: some tenths of a second, and 64 MiB
SECRET_LEAST, SECRET_MOST = 16, 255   # bytes


class Keys(NamedTuple):
    public: bytes
    secret: bytes


def keys_of(secret: str) -> Keys:
    """Takes a moment, on purpose. NotTrusted: the secret is too short or too long; ImportError: python3-nacl is
    missing."""
    from nacl.bindings import crypto_box_seed_keypair, crypto_pwhash_ALG_ARGON2ID13, crypto_pwhash_alg

    data = secret.encode()
    if not SECRET_LEAST <= len(data) <= SECRET_MOST:
        raise NotTrusted(-33, f"the secret has {len(data)} bytes; it needs {SECRET_LEAST} to {SECRET_MOST}")
    seed = crypto_pwhash_alg(32, data, SALT, OPERATIONS, MEMORY, crypto_pwhash_ALG_ARGON2ID13)
    return Keys(*crypto_box_seed_keypair(seed))
