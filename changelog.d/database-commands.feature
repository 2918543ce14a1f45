`gatehouse database migrate`, `status` and `backup` bring the schema up to date, tell what has run, and copy a SQLite database while it is in use.
