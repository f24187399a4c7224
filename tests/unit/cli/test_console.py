"""Results on stdout, the rest on stderr, colours only on terminals that want them."""

from __future__ import annotations

import io
import sys

import pytest

from dpsynth.cli.console import make_console, progress_bar, write_json, write_pairs, write_table, write_warnings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Both streams become one terminal (in the test itself: a fixture's streams are taken back by the capture)."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def test_a_terminal_gets_colours_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    make_console().print("x", style="red")
    assert "\x1b[" in terminal.getvalue()
    terminal.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    make_console().print("x", style="bold red")
    write_warnings(["careful"])
    assert "\x1b[" not in terminal.getvalue()


def test_a_pipe_gets_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    write_pairs([("word", "[red]text[/red] :smile:"), ("", "more")])
    write_table("title", ["step", "share"], [["one", "1"], ["two", "20"]])
    write_warnings(["careful"])
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:2] == ["word  [red]text[/red] :smile:", "      more"]
    assert "\x1b" not in captured.out + captured.err
    assert captured.err == "warning: careful\n"


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"a": "ä", "b": [1, None]})
    assert capsys.readouterr().out == '{"a": "ä", "b": [1, null]}\n'
    with pytest.raises(ValueError, match="Out of range float"):
        write_json({"a": float("nan")})


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    with progress_bar(quiet=False) as report:
        assert report is not None
        report("measure", 0.5)
    assert "measure" in terminal.getvalue()
    with progress_bar(quiet=True) as report:
        assert report is None
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bar(quiet=False) as report:
        assert report is None
