"""An oracle that shares nothing with the product: it reads raw ARM JSON and tries flow after flow."""
