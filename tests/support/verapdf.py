"""veraPDF for tests: skipped loudly where it cannot run, and never in CI."""

import os
from dataclasses import dataclass

import pytest

from services.embedded.verapdf import VERAPDF, VerapdfMissing


@dataclass
class Loud:
    """A plugin that says once, at the end, that veraPDF was not asked."""

    why: str

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"THE VERAPDF TESTS WERE SKIPPED: {self.why}", red=True, bold=True)


def need_verapdf(config: pytest.Config) -> None:
    """Skip the test where veraPDF cannot be run; in CI end the whole run."""
    try:
        VERAPDF.ready()
    except VerapdfMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.exit(f"the veraPDF tests cannot run, and CI must not pass without them: {missing}", returncode=1)
        if not config.pluginmanager.has_plugin("loud-verapdf"):
            config.pluginmanager.register(Loud(str(missing)), "loud-verapdf")
        pytest.skip(str(missing))
