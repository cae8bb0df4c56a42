"""Which requests are the same call: path templates and operations, with their evidence."""
