"""The providers' webhook signatures, written from their published rules."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def twilio_signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the URL and each name and value, sorted by name."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def whatsapp_signature(secret: str, body: bytes) -> str:
    """X-Hub-Signature-256 over the raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def load_private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Read a P-256 key from PEM or base64 DER; an empty text makes a new one.

    Raises TypeError when the text is another kind of key.
    """
    if not text:
        return ec.generate_private_key(ec.SECP256R1())
    if "BEGIN" in text:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    else:
        key = serialization.load_der_private_key(base64.b64decode(text), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("The SendGrid signing key is not an elliptic-curve key.")
    return key


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """Base64 SubjectPublicKeyInfo, as SendGrid's settings page shows it."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def sendgrid_signature(key: ec.EllipticCurvePrivateKey, timestamp: str, body: bytes) -> str:
    """ECDSA over the timestamp header's bytes followed by the raw body."""
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return base64.b64encode(signature).decode()
