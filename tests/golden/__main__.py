"""`python -m tests.golden`: write the golden images anew, and say what changed.

What moved within the tolerance stays as it was, so that another machine changes nothing.
"""

from tests.golden.catalogue import FILE, entry, moved, read, uses, write


def main() -> None:
    before = read() if FILE.exists() else {}
    after, report = {}, []
    for text in uses():
        found = entry(text)
        changes = moved(found, before[text]) if text in before else ["is new"]
        after[text] = found if changes else before[text]
        report += [f"{text}: {change}" for change in changes]
    report += [f"{text}: is gone" for text in sorted(before.keys() - after.keys())]
    write(after)
    print("\n".join(report or ["nothing changed"]))


if __name__ == "__main__":
    main()
