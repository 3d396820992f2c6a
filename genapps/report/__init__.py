"""One self-contained HTML page a result: charts as inline SVG, sections that domains share, no script, no network."""
