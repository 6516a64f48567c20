"""One package per enforcement surface, all alike: ``read`` (ARM), ``translate`` (pure), ``write`` (ARM)."""
