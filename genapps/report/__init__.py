"""One self-contained HTML page a result: charts as inline SVG, sections every domain shares, no script and no network."""
