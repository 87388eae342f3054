"""TLS for the web program: a certificate of the user's, or one that is made here and signed by itself.

A phone gives no microphone to a page that came by plain http. With a certificate of our own the browser warns once;
its user can compare the fingerprint.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from huiyin.configs.errors import HuiyinError
from huiyin.configs.files import user_folder, whole_file

_VALID_DAYS = 365  # browsers refuse certificates that are valid much longer
_LEAST_DAYS_LEFT = 14  # then a new one is made
_CLOCK_SKEW = timedelta(days=1)  # a phone's clock may be slow


class TlsError(HuiyinError):
    """A certificate that cannot be used."""


@dataclass(frozen=True)
class Certificate:
    """Files in PEM form."""

    path: Path
    key_path: Path

    def context(self) -> ssl.SSLContext:
        """For a server. Raises TlsError."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

        def no_password() -> str:
            raise TlsError("web.key_has_password", path=self.key_path)

        try:
            context.load_cert_chain(self.path, self.key_path, no_password)
        except ssl.SSLError as error:
            why = error.reason or "no PEM data"
            raise TlsError("web.bad_certificate", path=self.path, key_path=self.key_path, why=why) from error
        except OSError as error:
            missing = next((path for path in (self.path, self.key_path) if not path.is_file()), self.path)
            raise TlsError("web.certificate_unreadable", path=missing, why=error.strerror or error) from error
        return context

    def fingerprint(self) -> str:
        """SHA-256, as browsers show it. Raises OSError or ValueError."""
        digest = x509.load_pem_x509_certificate(self.path.read_bytes()).fingerprint(hashes.SHA256())
        return digest.hex(":").upper()


def self_signed(folder: Path | None = None) -> Certificate:
    """The certificate that is kept in `folder`, in the user's data by default; a new one is made where it is missing,
    lacks a name or an address of this machine, or is about to expire. Raises OSError."""
    folder = folder or user_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "huiyin" / "tls"
    kept = Certificate(folder / "certificate.pem", folder / "key.pem")
    names, addresses = host_names(), host_addresses()
    if not _is_good(kept, names, addresses):
        folder.mkdir(parents=True, exist_ok=True)
        _make(kept, names, addresses)
    return kept


def host_names() -> list[str]:
    """The names by which this machine is called in its network."""
    full = socket.gethostname()
    short = full.partition(".")[0]
    others = [short, full, f"{short}.local"] if short and full.isascii() else []
    return list(dict.fromkeys(["localhost", *others]))


def host_addresses() -> list[str]:
    """The addresses of this machine, the loopback ones last."""
    found = []
    for interface in psutil.net_if_addrs().values():
        for address in interface:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                with contextlib.suppress(ValueError):
                    found.append(ipaddress.ip_address(address.address.partition("%")[0]))
    usable = {address for address in found if not address.is_link_local}
    loopback = {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")}
    order = sorted(usable | loopback, key=lambda address: (address.is_loopback, address.version, address.packed))
    return [str(address) for address in order]


def _is_good(kept: Certificate, names: Sequence[str], addresses: Sequence[str]) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(kept.path.read_bytes())
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        kept.context()
    except (OSError, ValueError, TlsError, x509.ExtensionNotFound):
        return False
    days_left = (certificate.not_valid_after_utc - datetime.now(timezone.utc)).days
    has_names = set(names) <= set(held.get_values_for_type(x509.DNSName))
    has_addresses = set(addresses) <= set(map(str, held.get_values_for_type(x509.IPAddress)))
    return has_names and has_addresses and days_left >= _LEAST_DAYS_LEFT


def _make(kept: Certificate, names: Sequence[str], addresses: Sequence[str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    owner = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Huiyin")])
    now = datetime.now(timezone.utc)
    alternatives = [
        *map(x509.DNSName, names),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with whole_file(kept.key_path, private=True) as file:
        file.write(secret)
    with whole_file(kept.path) as file:
        file.write(certificate.public_bytes(pem))
