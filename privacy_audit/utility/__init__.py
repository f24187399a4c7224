"""Utility: how much of the real table a synthetic one keeps, every number between its floor and its ceiling."""
