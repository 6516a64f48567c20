"""Watch the documentation the catalogs are made from, and tell how it drifted."""
