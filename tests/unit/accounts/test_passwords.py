"""Passwords are hashed with argon2id, tokens with SHA-256, and remembered ones end with their hash."""

import pytest
from pwdlib import PasswordHash

from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.tokens import masked_prefix, new_token, token_hash
from lightnvr.accounts.verified import VerifiedPasswords


async def test_only_the_right_password_matches() -> None:
    passwords = Passwords()
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored != await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", stored)
    assert not await passwords.verify("correct horse ", stored)
    assert not await passwords.verify("correct horse", None)


async def test_a_name_that_is_unknown_costs_as_many_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    stored = await passwords.hash("correct horse")
    against: list[str] = []
    verify = PasswordHash.verify

    def counted(self: PasswordHash, password: str, hashed: str) -> bool:
        against.append(hashed)
        return verify(self, password, hashed)

    monkeypatch.setattr(PasswordHash, "verify", counted)
    await passwords.verify("battery staple", stored)
    await passwords.verify("battery staple", None)
    known, unknown = against
    assert known == stored
    # The same parameters, so that it takes as long.
    assert unknown != known
    assert unknown.rpartition("$")[0].rpartition("$")[0] == known.rpartition("$")[0].rpartition("$")[0]


def test_tokens_are_random_and_long() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 32 and token.isalnum() and token.isascii() for token in tokens)


def test_a_masked_key_keeps_its_length_and_its_first_characters() -> None:
    token = new_token()
    assert masked_prefix(token) == token[:6] + "*" * 26
    assert token_hash(token) != token_hash(token.swapcase())


def test_a_verified_password_is_known_until_its_hash_changes() -> None:
    verified = VerifiedPasswords()
    verified.remember(verified.digest(1, "hash", "password"))
    assert verified.knows(verified.digest(1, "hash", "password"))
    for other in ((2, "hash", "password"), (1, "other", "password"), (1, "hash", "Password")):
        assert not verified.knows(verified.digest(*other))


def test_memory_is_bounded_and_the_oldest_go() -> None:
    verified = VerifiedPasswords()
    digests = [verified.digest(number, "hash", "password") for number in range(2000)]
    for digest in digests:
        verified.remember(digest)
    assert not verified.knows(digests[0])
    assert verified.knows(digests[-1])
