"""Write the golden files anew, after looking at what changed: `python -m tests.golden.write`."""

from __future__ import annotations

import json
from pathlib import Path

from modelwright import tools
from modelwright.tooldoc import as_json, markdown

HERE = Path(__file__).parent
HEAD = """# Tools

Generated from the tools' own schemas. `modelwright tools NAME` shows the same; `modelwright tools --json` gives it to a program.

"""


def main() -> None:
    known = [tools.load(name) for name in tools.names()]
    (HERE / "tool_schemas.json").write_text(json.dumps({t.name: as_json(t) for t in known}, indent=1) + "\n", encoding="utf-8")
    (HERE.parents[1] / "docs" / "tools.md").write_text(HEAD + "\n".join(markdown(t) for t in known), encoding="utf-8")


if __name__ == "__main__":
    main()
