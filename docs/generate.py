"""`python -m docs.generate`: write every page and picture that is made from the code.

A test fails when one of them is out of date.
"""

from collections.abc import Callable
from pathlib import Path

from docs.errors_reference import errors_markdown
from docs.operation_pictures import write_pictures
from docs.operations_reference import operations_markdown, own_operations
from service.settings_reference import EXAMPLE_FILE, MARKDOWN_FILE, env_example, settings_markdown

DOCS = Path(__file__).parent

PAGES: dict[Path, Callable[[], str]] = {
    MARKDOWN_FILE: settings_markdown,
    EXAMPLE_FILE: env_example,
    DOCS / "operations.md": operations_markdown,
    DOCS / "errors.md": errors_markdown,
}


def main() -> None:
    """Write the pages and the pictures."""
    for path, content in PAGES.items():
        path.write_text(content(), encoding="utf-8")
    write_pictures(own_operations())


if __name__ == "__main__":
    main()
