"""The tree of errors."""

from __future__ import annotations

from privacy_audit import errors


def test_tree_is_as_drawn() -> None:
    assert errors.__doc__
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.AuditError)
        assert kind.exit_code == 4
        assert name in errors.__doc__
        assert kind.__doc__
