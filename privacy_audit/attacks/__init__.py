"""Attacks on a synthetic table: one per file, behind one small interface; `battery.attack` runs them all."""
