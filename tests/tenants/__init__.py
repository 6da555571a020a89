"""A site with django-tenants, which ``test_tenants.py`` runs as a process of its own."""
