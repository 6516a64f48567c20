"""Our exports on real engines over loopback; ``make engines`` runs them where the engines are installed."""
