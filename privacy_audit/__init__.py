"""Attacks and scores for synthetic tables of any origin. Nothing is built here yet; it never uses dpsynth."""
