"""Benchmarks: ``python -m benchmarks.verbs``, ``python -m benchmarks.rest``.

Importing this package sets Django up with the settings beside it.
"""

from __future__ import annotations

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("BENCHMARK_SETTINGS", "benchmarks.settings")
django.setup()
