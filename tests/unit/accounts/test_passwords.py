"""Passwords are hashed with argon2id, tokens with SHA-256, and remembered ones end with their hash."""

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
