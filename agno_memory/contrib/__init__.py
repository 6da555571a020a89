"""What belongs to other libraries. Nothing of the core imports from here."""
