"""What the planet is made of: which sources and tags have pages and feeds, and where. No clock, disk or network."""
