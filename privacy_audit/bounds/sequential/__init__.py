"""Tests that may be looked at after every pair of runs, and whose evidence multiplies across nights."""
