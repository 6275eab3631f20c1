"""The pages of the documentation, as tests read them."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent

TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
}
ALL_TEXT = "\n".join(TEXTS.values())


def blocks(language: str) -> list[tuple[str, str]]:
    """The page and the text of each code block of a language."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [(page, found) for page, text in TEXTS.items() for found in pattern.findall(text)]


def block_of(page: str, language: str) -> str:
    """The first such block of a page."""
    return next(text for at, text in blocks(language) if at == page)
