"""The only room with SQL. One file per subject; `database` opens and writes, `schema` holds the tables."""

from tidings.store.database import Store, exclusive, exclusive_folder, exclusive_now, open_store

__all__ = ["Store", "exclusive", "exclusive_folder", "exclusive_now", "open_store"]
