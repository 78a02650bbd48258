"""When and where to ask a source. Pure."""
