"""The check of a signature as docs/commissioning.md gives it to the centre: report and certificate go in, the verdict comes out."""

import re
import subprocess
import sys
from pathlib import Path

from tests import sources


def genuine(report: Path, certificate: Path) -> bool:
    """Whether that program says so. It is run as the page has it, word by word."""
    (program,) = re.findall(r"```python\n(.*?)```", (sources.PROJECT / "docs" / "commissioning.md").read_text(), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program, report, certificate], capture_output=True, check=False, timeout=60)
    return done.returncode == 0
