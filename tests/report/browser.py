"""A real headless Chromium that shows pages in windows of any size, light or dark."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class Browser:
    """Shows one page at a time."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def show(self, path: Path, width: int, height: int, scheme: str, medium: str = "screen") -> None:
        """Open the file in a window of so many CSS pixels; scheme "light" or "dark", medium also "print"."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": features})
        self._driver.get(path.as_uri())

    def ask(self, expression: str, *arguments: Any) -> Any:
        """What a JavaScript expression is on the page; its arguments are arguments[0] and so on."""
        return self._driver.execute_script(f"return {expression}", *arguments)

    def picture(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self._driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"])

    def messages(self) -> list[str]:
        """What the browser complained of since it was asked last."""
        return [entry["message"] for entry in self._driver.get_log("browser")]


@contextmanager
def opened(folder: Path) -> Iterator[Browser]:
    """A browser with a fresh profile in `folder`; skips the test where there is none to be had."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
    binary = next(filter(None, map(shutil.which, NAMES)), None)
    driver_path = shutil.which("chromedriver")
    if binary is None or driver_path is None:
        missing = "Chromium" if binary is None else "chromedriver"
        pytest.skip(f"needs {missing}: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Chromium's sandbox does not start for the superuser, as whom containers run.
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    for argument in (*ARGUMENTS, *sandbox, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(driver_path))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
