"""Size and power of the tests on real sessions, and closed forms that keep the harness honest."""

from eventstudy.certify.rows import Certificate, CertificateRow
from eventstudy.certify.run import certify

__all__ = ["Certificate", "CertificateRow", "certify"]
