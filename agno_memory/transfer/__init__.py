"""Import from other systems, export to a file, and copy from one database to another."""
