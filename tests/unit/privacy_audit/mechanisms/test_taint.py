"""Local variables that tell two worlds apart."""

from __future__ import annotations

from privacy_audit.mechanisms.taint import TaintWatch, tainted


def _mechanism(rows: list[int], noisy: int) -> int:
    n = len(rows)
    kept = noisy
    return kept * 2 if n >= 0 else 0


def _branches(rows: list[int]) -> None:
    if len(rows) > 2:
        _mechanism([], 0)


WATCH = TaintWatch((__file__,), {"_mechanism": frozenset({"rows", "n"}), "_branches": frozenset({"rows"})})


def _trace(watch: TaintWatch, act) -> tuple:
    with watch.watching() as hook:
        act()
    return hook.trace()


def test_private_names_may_differ() -> None:
    traces = [_trace(WATCH, lambda r=rows: _mechanism(r, 7)) for rows in ([1, 2], [1, 2, 3])]
    assert [name for name, _ in traces[0]].count("_mechanism") == 1
    assert tainted(*[[row for row in trace if row[0] == "_mechanism"] for trace in traces]) == ()


def test_any_other_name_may_not() -> None:
    loose = TaintWatch((__file__,), {"_mechanism": frozenset({"rows"})})
    traces = [_trace(loose, lambda r=rows: _mechanism(r, 7)) for rows in ([1, 2], [1, 2, 3])]
    assert "_mechanism.n" in tainted(*traces)


def test_another_sequence_of_calls_is_seen() -> None:
    traces = [_trace(WATCH, lambda r=rows: _branches(r)) for rows in ([1, 2], [1, 2, 3])]
    assert "call sequence" in tainted(*traces)


def test_other_files_and_opaque_functions_are_left_alone() -> None:
    elsewhere = TaintWatch(("nowhere",))
    opaque = TaintWatch((__file__,), opaque=frozenset({"_mechanism"}))
    assert _trace(elsewhere, lambda: _mechanism([1], 7)) == ()
    assert "_mechanism" not in [name for name, _ in _trace(opaque, lambda: _mechanism([1], 7))]


def test_the_hook_is_taken_off_again() -> None:
    import sys

    before = sys.getprofile()
    with WATCH.watching():
        assert sys.getprofile() is not before
    assert sys.getprofile() is before
