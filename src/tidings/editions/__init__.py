"""Posts in, an issue's content out: when an issue is due, which stories it carries, and what it shows of them. Pure."""
