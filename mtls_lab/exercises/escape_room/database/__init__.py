"""The room's database: a real PostgreSQL where there is one on the machine, else a stand-in."""
