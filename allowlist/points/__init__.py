"""One package per kind of enforcement point, all alike: ``read`` (ARM), ``translate`` (pure), ``write`` (ARM)."""
