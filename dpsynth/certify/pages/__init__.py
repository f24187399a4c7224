"""Self-contained HTML: own SVG, no script, light and dark, printable."""
