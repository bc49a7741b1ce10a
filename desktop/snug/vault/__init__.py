"""The encrypted database: keys, migrations, conversations, journal."""
