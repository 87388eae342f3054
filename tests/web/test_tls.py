"""Certificates: the user's own, and one that is made and kept."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from cryptography import x509

from huiyin.assistant.faces.cli.checks import network
from huiyin.assistant.faces.web import tls
from huiyin.assistant.faces.web.tls import Certificate, TlsError, self_signed
from huiyin.configs.settings import load
from tests.web.door import KEY, open_door


@pytest.fixture
def made(tmp_path: Path) -> Certificate:
    """One that was just made."""
    return self_signed(tmp_path)


def parsed(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.path.read_bytes())


def test_it_names_this_machine_in_all_ways(made: Certificate) -> None:
    names = parsed(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    addresses = set(map(str, names.get_values_for_type(x509.IPAddress)))
    assert {"127.0.0.1", "::1"} <= addresses and set(tls.host_addresses()) <= addresses


def test_it_is_kept_and_its_key_is_private(made: Certificate, tmp_path: Path) -> None:
    fingerprint = made.fingerprint()
    assert self_signed(tmp_path).fingerprint() == fingerprint, "a browser would warn again"
    assert len(fingerprint.split(":")) == 32
    if os.name == "posix":
        assert made.key_path.stat().st_mode & 0o077 == 0


def test_a_new_one_is_made_where_the_machine_has_another_address(
    made: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = made.fingerprint()
    monkeypatch.setattr(tls, "host_addresses", lambda: ["10.1.2.3", "127.0.0.1", "::1"])
    assert self_signed(tmp_path).fingerprint() != fingerprint


def test_a_new_one_is_made_before_it_expires(
    made: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: timezone | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(days=360)

    fingerprint = made.fingerprint()
    monkeypatch.setattr(tls, "datetime", Later)
    assert self_signed(tmp_path).fingerprint() != fingerprint


def test_a_damaged_one_is_made_again(made: Certificate, tmp_path: Path) -> None:
    made.key_path.write_text("nothing")
    self_signed(tmp_path).context()


def test_a_browser_that_trusts_it_can_connect(made: Certificate, page: Path) -> None:
    with open_door(page, tls=made.context()) as url:
        assert url.startswith("https://")
        assert "The page" in requests.get(url, verify=str(made.path)).text
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("is_https", [False, True], ids=["http", "https"])
def test_doctor_finds_the_program_at_its_host_with_or_without_tls(
    made: Certificate, page: Path, host: str, is_https: bool
) -> None:
    with open_door(page, key=KEY, host=host, tls=made.context() if is_https else None) as url:
        port = url.rstrip("/").rpartition(":")[2]
        settings = load(overrides=[f"web.host={host}", f"web.port={port}"], environ={})
        (found,) = network.web(settings)
    assert (found.level, found.text()) == ("ok", f"port {port}: huiyin web is there")


def test_the_cookie_is_for_https_alone(made: Certificate, page: Path) -> None:
    with open_door(page, key=KEY, tls=made.context()) as url:
        answer = requests.get(f"{url}/login", params={"key": KEY}, verify=str(made.path))
        assert "Secure" in answer.headers["Set-Cookie"]


def test_what_is_not_a_certificate_is_named(made: Certificate, tmp_path: Path) -> None:
    other = self_signed(tmp_path / "other")
    with pytest.raises(TlsError, match=r"nothing\.pem cannot be read"):
        Certificate(tmp_path / "nothing.pem", made.key_path).context()
    with pytest.raises(TlsError, match="are not a certificate and its key"):
        Certificate(made.path, other.key_path).context()
    with pytest.raises(TlsError, match="are not a certificate and its key"):
        Certificate(Path(__file__), made.key_path).context()


def test_a_key_with_a_password_is_refused_without_asking_for_it(made: Certificate) -> None:
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_pem_private_key(made.key_path.read_bytes(), None)
    locked = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret"))
    made.key_path.write_bytes(locked)
    with pytest.raises(TlsError, match="protected by a password"):
        made.context()
