"""Lists of readers as files."""
