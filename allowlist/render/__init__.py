"""Text, Markdown, JSON and SARIF: data in, string out."""
