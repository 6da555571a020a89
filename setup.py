"""The text of the package's page. All other metadata is in setup.cfg.

The page is shown outside of the repository, so the relative links of README become absolute there.
"""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def long_description() -> str:
    """Return README with absolute links and images."""
    metadata = ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    home = metadata["metadata"]["url"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r'((?:src|srcset)="|!\[[^\]]*\]\()(?!https?:)', rf"\1{home}/raw/main/", text)
    return re.sub(r"(?<!!)(\[[^\]]*\]\()(?!https?:|#)", rf"\1{home}/blob/main/", text)


setup(long_description=long_description(), long_description_content_type="text/markdown")
