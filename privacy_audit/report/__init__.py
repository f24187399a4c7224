"""Renderings of a scorecard's summary: HTML, Markdown, and the JSON form in schema.json."""
