"""The only code that sees rows: see `open.open_engine`. Imported by the gate alone."""
