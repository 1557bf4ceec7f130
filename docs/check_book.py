#!/usr/bin/env python3
"""Checks the book without building it: run it anywhere, it needs nothing but Python.

    python3 docs/check_book.py

- Every chapter in SUMMARY.md exists, and every chapter is in SUMMARY.md.
- Every relative link leads to a file; every path in back-quotes that looks like one of ours exists.
- In the tables "In the code", every name occurs as a word in the file of its row.
- Fenced blocks are closed and name their language; tables have rows of equal width.
"""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
BOOK, ROOT = DOCS / "src", DOCS.parent
TOP_LEVEL = ("crates/", "tests/", "docs/", "data/", "benches/")


def cells(row):
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def check(chapter, problems):
    def problem(number, text):
        problems.append(f"{chapter.relative_to(ROOT)}:{number}: {text}")

    fence, in_code, width = None, False, None
    for number, line in enumerate(chapter.read_text().splitlines(), 1):
        if line.startswith("```"):
            if fence is None and line == "```":
                problem(number, "a block without a language")
            fence = None if fence is not None else number
            continue
        if fence is not None:
            continue
        if line.startswith("#"):
            in_code = line == "## In the code"
        for target in re.findall(r"\]\(([^)#\s]+)", line):
            if "://" not in target and not (chapter.parent / target).is_file():
                problem(number, f"no such file: {target}")
        quoted = re.findall(r"`([^`]+)`", line)
        for path in quoted:
            if path.startswith(TOP_LEVEL) and " " not in path and not list(ROOT.glob(path.split("{")[0].rstrip("/*") + "*")):
                problem(number, f"no such path: {path}")
        if not line.startswith("|"):
            width = None
            continue
        if width is not None and len(cells(line)) != width:
            problem(number, f"{len(cells(line))} cells, the table has {width}")
        width = len(cells(line))
        if in_code and quoted:
            source = ROOT / quoted[0]
            if not source.is_file():
                problem(number, f"no such file: {quoted[0]}")
                continue
            text = source.read_text()
            for name in quoted[1:]:
                if not re.search(rf"\b{re.escape(name)}\b", text):
                    problem(number, f"{quoted[0]} does not mention {name}")
    if fence is not None:
        problem(fence, "a block that is not closed")


def main():
    problems = []
    summary = (BOOK / "SUMMARY.md").read_text()
    listed = {BOOK / target for target in re.findall(r"\]\(([^)]+)\)", summary)}
    chapters = set(BOOK.rglob("*.md")) - {BOOK / "SUMMARY.md"}
    problems += [f"SUMMARY.md lists {path.relative_to(BOOK)}, which does not exist" for path in sorted(listed - chapters)]
    problems += [f"SUMMARY.md does not list {path.relative_to(BOOK)}" for path in sorted(chapters - listed)]
    for chapter in sorted(chapters):
        check(chapter, problems)
    print("\n".join(problems) or f"{len(chapters)} chapters: all links, paths and names lead somewhere")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
