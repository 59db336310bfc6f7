"""HTTPS with a certificate from files, which may change while the server runs."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from lightnvr.api.guards import SecurityHeaders
from lightnvr.certificate import Certificate, UnusableCertificate
from lightnvr.config import Settings
from lightnvr.servers import serve_http


def write_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return files


async def served_name(port: int) -> tuple[str, str]:
    """Whose certificate is shown, and the answer to a request."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    return str(x509.load_der_x509_certificate(shown).subject.rfc4514_string()), answer


async def test_https_with_a_certificate_that_is_renewed(tmp_path: Path) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(SecurityHeaders)
    certificate = Certificate(*write_certificate(tmp_path, "first"), look_s=0.02)
    looking = asyncio.create_task(certificate.run())
    try:
        async with serve_http("127.0.0.1", 0, app, tls=certificate.context) as (port, _):
            name, answer = await served_name(port)
            assert name == "CN=first"
            assert "strict-transport-security: max-age=31536000" in answer.lower()
            (tmp_path / "cert.pem").write_text("half a certificate")
            await asyncio.sleep(0.1)
            assert (await served_name(port))[0] == "CN=first"
            write_certificate(tmp_path, "second")
            for _ in range(1000):
                name, _ = await served_name(port)
                if name == "CN=second":
                    break
                await asyncio.sleep(0.02)
            assert name == "CN=second"
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" not in await reader.read()
            writer.close()
    finally:
        looking.cancel()


def test_files_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    with pytest.raises(UnusableCertificate, match="No such file"):
        Certificate(tmp_path / "none.pem", key)
    key.write_text("no key")
    with pytest.raises(UnusableCertificate, match="cannot be used with the key"):
        Certificate(certificate, key)


def test_a_key_that_needs_a_password_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    plain = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(plain.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    with pytest.raises(UnusableCertificate, match="cannot be used with the key"):
        Certificate(certificate, key)


async def test_a_key_that_is_made_readable_later_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = write_certificate(tmp_path, "first")
    kept = Certificate(certificate, key, look_s=0.02)
    looking = asyncio.create_task(kept.run())
    try:
        caplog.set_level("INFO", "lightnvr.certificate")
        key.chmod(0o640)
        for _ in range(500):
            if "was read again" in caplog.text:
                break
            await asyncio.sleep(0.02)
        assert "was read again" in caplog.text
    finally:
        looking.cancel()


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tls_cert and tls_key belong together"):
        Settings.model_validate({"general": {"data_dir": tmp_path}, "web": {"tls_cert": "cert.pem"}})
