"""Runs every check over the repository and prints what each finds.

Usage: run.py [ROOT]. The root is by default the repository in which this file stands.
Exits 0 when there is nothing to say, 1 with findings, 2 when the root is no folder.
"""

import sys
from pathlib import Path

import banned
import floors
import headers
import manual
import sealed
import shape
import style

CHECKS = [check for module in (floors, banned, headers, manual, style, shape, sealed) for check in module.CHECKS]


def main(arguments: list[str]) -> int:
    """Prints the findings, sorted, and a last line that counts them."""
    root = Path(arguments[0] if arguments else Path(__file__).parents[2]).resolve()
    if len(arguments) > 1 or not root.is_dir():
        print("usage: run.py [ROOT]", file=sys.stderr)
        return 2
    findings = sorted({finding for check in CHECKS for finding in check(root)})
    for finding in findings:
        print(finding)
    print(f"lint: {len(CHECKS)} checks, {len(findings)} finding{'' if len(findings) == 1 else 's'}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
