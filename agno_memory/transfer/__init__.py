"""Moving in from where people are, out into a file, and from one database to another."""
