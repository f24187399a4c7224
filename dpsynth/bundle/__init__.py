"""A release directory: made in one call, checked when it is read."""

from dpsynth.bundle.reader import Bundle, read_bundle
from dpsynth.bundle.sampling import sample_to_file
from dpsynth.bundle.writer import make_plan, release

__all__ = ["Bundle", "make_plan", "read_bundle", "release", "sample_to_file"]
