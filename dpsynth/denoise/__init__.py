"""What may be done to noisy answers for free: post-processing of measurements, never of rows."""

from dpsynth.denoise.combine import combine, total_of
from dpsynth.denoise.haar import haar_threshold
from dpsynth.denoise.simplex import project_simplex
from dpsynth.denoise.singular_values import shrink_singular_values
from dpsynth.denoise.sparse import choose_by_fission, keep_large_cells
from dpsynth.denoise.transport import project_transport

__all__ = [
    "choose_by_fission",
    "combine",
    "haar_threshold",
    "keep_large_cells",
    "project_simplex",
    "project_transport",
    "shrink_singular_values",
    "total_of",
]
