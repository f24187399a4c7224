"""Objects that hold a private table and show nothing of it by accident.

This is protection against accident (a print, a copy, a pickle, a frame library that probes for a protocol), not
against code that means to look: Python cannot hide memory from a process that owns it.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, Never, TypeVar

from dpsynth.errors import BudgetRefused, DpsynthError, OpaqueError, SourceError

__all__ = ["AbstractOpaque", "without_words"]

T = TypeVar("T")


def without_words(act: Callable[[], T], consequence: str) -> T:
    """Run what reads rows; of any error let pass what is public.

    An error keeps the frames that it passed through, and those hold cells and exact counts. So none is raised on: an
    error of our own is made anew with its words, any other, also one outside `Exception`, is told by its type.

    Args:
        act: reads rows.
        consequence: what the failure means to the caller, for the message.

    Returns:
        What `act` returns.

    Raises:
        SourceError: in the place of any foreign error; only its type is told.
        KeyboardInterrupt: without words.

    Guarantee: no error has a cause, a context or a frame of what `act` called.
    """
    fresh: BaseException
    try:
        return act()
    except DpsynthError as error:
        fresh = _anew(error)
    except KeyboardInterrupt:
        fresh = KeyboardInterrupt()
    except BaseException as error:
        kind = _public_kind(error)
        fresh = SourceError(
            f"The table could not be read ({kind}).\n{consequence} Check that the table is still there."
        )
    # Raised outside the handlers, so that the old error is not kept as the context of the new one.
    try:
        raise fresh
    finally:
        del act, fresh  # this frame is kept too


def _anew(error: DpsynthError) -> DpsynthError:
    """The same type and words, and nothing else of it."""
    fresh = type(error).__new__(type(error), *error.args)
    if isinstance(error, BudgetRefused) and isinstance(fresh, BudgetRefused):
        fresh.requested, fresh.remaining, fresh.short_by = error.requested, error.remaining, error.short_by
    return fresh


def _public_kind(error: BaseException) -> str:
    """The nearest built-in type: the name of any other type may come from a cell's own class."""
    return next(kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind)


def _refuse(self: AbstractOpaque, *arguments: Any, **named: Any) -> Never:
    raise OpaqueError(
        f"A {type(self).__name__} does not show its rows, their number or a copy of itself.\n"
        "Ask a noisy question: `with table.reserve(...) as grant: grant.release(query, mechanism)`."
    )


class AbstractOpaque:
    """Base of objects whose protocols raise OpaqueError. It has no `__dict__`, so `vars()` says nothing either."""

    __slots__ = ("__weakref__",)

    # Python's own protocols.
    __len__ = __length_hint__ = __iter__ = __next__ = __reversed__ = __contains__ = __getitem__ = __bool__ = _refuse
    __setitem__ = __delitem__ = __index__ = __int__ = __float__ = __complex__ = __bytes__ = __buffer__ = _refuse
    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = __setstate__ = __getnewargs_ex__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __matmul__ = _refuse
    # numpy's, Arrow's and the frames' protocols.
    __array__ = __array_ufunc__ = __array_function__ = __dlpack__ = _refuse
    __dataframe__ = __dataframe_consortium_standard__ = _refuse
    __arrow_array__ = __arrow_c_array__ = __arrow_c_stream__ = __arrow_c_schema__ = __arrow_c_device_array__ = _refuse
    __narwhals_dataframe__ = __narwhals_lazyframe__ = __narwhals_series__ = _refuse
    __array_interface__ = property(_refuse)
    __array_struct__ = property(_refuse)
    __cuda_array_interface__ = property(_refuse)

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]
