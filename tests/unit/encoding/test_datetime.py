"""Cells of dates and times."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from dpsynth.domain.columns import Datetime, Grid, Outside, Resolution
from dpsynth.encoding.datetime import DatetimeEncoder
from dpsynth.encoding.values import MissingPolicy

POLICY = MissingPolicy.of(("", "1900-01-01"))


def encoder(
    low: datetime, high: datetime, resolution: Resolution = Resolution.DAY, **options: object
) -> DatetimeEncoder:
    column = Datetime(name="c", minimum=low, maximum=high, resolution=resolution, **options)  # type: ignore[arg-type]
    return DatetimeEncoder(column, POLICY)


MONTH = encoder(datetime(2020, 2, 1), datetime(2020, 2, 29))


def test_a_cell_per_step_where_they_are_few() -> None:
    assert (MONTH.size, MONTH.first, MONTH.ordered_from) == (30, 1, 1)
    assert MONTH.labels()[:2] == ["missing", "2020-02-01T00:00:00"]
    assert MONTH.grid_edges[:2].astype("datetime64[us]").astype("datetime64[D]").tolist() == [
        date(2020, 2, 1),
        date(2020, 2, 2),
    ]


def test_1024_cells_where_they_are_many() -> None:
    column = encoder(datetime(2000, 1, 1), datetime(2020, 1, 1), Resolution.MINUTE)
    assert column.size == 1025
    assert " to " in column.labels()[1]
    assert encoder(datetime(2000, 1, 1), datetime(2020, 1, 1), grid=Grid(cells=20)).size == 21


def test_a_moment_belongs_to_the_step_that_began_before_it() -> None:
    cells = pa.array(["2020-02-02", "2020-02-02 23:59:59.9", "2020-02-29T23:00", "2020-02-01T00:30:00+01:00"])
    assert MONTH.encode(cells).tolist() == [2, 2, 29, 1]
    assert MONTH.encode(pa.array([datetime(2020, 2, 2, 23, tzinfo=UTC)])).tolist() == [2]


def test_clip_and_missing_outside_the_bounds() -> None:
    cells = pa.array([date(2020, 1, 31), date(2020, 2, 1), date(2020, 3, 1), date(1900, 1, 1), None])
    assert MONTH.encode(cells).tolist() == [1, 1, 29, 0, 0]
    strict = encoder(datetime(2020, 2, 1), datetime(2020, 2, 29), outside=Outside.MISSING)
    assert strict.encode(cells).tolist() == [0, 1, 0, 0, 0]
    required = encoder(datetime(2020, 2, 1), datetime(2020, 2, 29), required=True)
    assert required.encode(cells).tolist() == [0, 0, 28, 0, 0]


def test_what_is_no_date_is_missing() -> None:
    assert MONTH.encode(pa.array(["x", "2020", "20200202", "2020-02-30", ""])).tolist() == [0] * 5
    assert MONTH.encode(pa.array([20200202, 0])).tolist() == [0, 0]
    assert MONTH.encode(pa.array([True])).tolist() == [0]


def test_decode_gives_whole_steps_in_the_cell() -> None:
    column = encoder(datetime(2000, 1, 1, 6), datetime(2020, 1, 1), Resolution.HOUR)
    codes = np.arange(1, column.size)
    values = column.decode(codes, np.random.default_rng(0))
    assert values.dtype == "datetime64[us]"
    assert (column.encode(pa.array(values)) == codes).all()
    assert ((values - np.datetime64("2000-01-01T06")) % np.timedelta64(1, "h") == np.timedelta64(0)).all()


def test_decode_of_missing() -> None:
    assert MONTH.decode(np.array([0, 1]), np.random.default_rng(0)).tolist() == [None, datetime(2020, 2, 1)]
