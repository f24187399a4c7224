"""Auditing of mechanisms: exact white-box audits, one-fit canaries, record and replay, enumeration.

Works on plain arrays and callables from any library; see docs/audit-mechanisms.md.
"""
