"""What reaches an operator's log."""

import subprocess
import sys

_SCRIPT = """
import asyncio, logging
from appliance.core.logging import configure_logging
from appliance.core.settings_sections import Logging

configure_logging(Logging(format="json"))
for error in (asyncio.CancelledError(), ValueError("a disk is gone")):
    try:
        raise error
    except BaseException:
        logging.getLogger("sqlalchemy.pool").exception("while giving a connection back")
logging.getLogger("httpx").warning("GET http://10.0.0.6/?q=what+somebody+asked")
"""


def test_an_error_is_logged_and_work_that_was_cancelled_is_none() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert "a disk is gone" in lines[0]
