"""The room that talks HTTP, and the only one with libcurl. `fetch.fetch_all` is its door."""
