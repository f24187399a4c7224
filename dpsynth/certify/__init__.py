"""Certificates: what a release promises, computed from its charges, signed, verified without the data, and judged."""

from dpsynth.certify.certificate import Certificate
from dpsynth.certify.evidence import Evidence, read_evidence
from dpsynth.certify.keys import new_key
from dpsynth.certify.policy import Policy, read_policy
from dpsynth.certify.verification import Report, verify_bundle
from dpsynth.certify.writer import certify_bundle, internal_folder

__all__ = [
    "Certificate",
    "Evidence",
    "Policy",
    "Report",
    "certify_bundle",
    "internal_folder",
    "new_key",
    "read_evidence",
    "read_policy",
    "verify_bundle",
]
