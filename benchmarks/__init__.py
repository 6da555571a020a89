"""Benchmarks: ``python -m benchmarks.verbs``. Importing this package sets Django up with the settings beside it."""

from __future__ import annotations

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
django.setup()
