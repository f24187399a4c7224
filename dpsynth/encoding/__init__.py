"""Column values <-> integer cells, from the public domain alone: see `table.TableEncoder`."""
