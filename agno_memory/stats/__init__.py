"""Statistics about the memories of a store, for the admin's dashboard: snapshots, samples and their cache."""
