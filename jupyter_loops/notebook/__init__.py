"""Everything that touches IPython and ipykernel: magics, the awaited cell, completion."""
