"""An app with a user model whose ids are UUIDs, for sites that replace Django's."""
