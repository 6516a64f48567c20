"""One module per use case; what the CLI, the TUI and the sync job all call."""
