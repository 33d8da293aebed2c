"""A headless Chromium for tests of pages; they are skipped where there is none."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def missing() -> str:
    """What a browser test lacks; empty: nothing."""
    try:
        import selenium  # noqa: F401 - whether it is there
    except ImportError:
        return "selenium is not installed"
    for name in ("chromium", "chromedriver"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    return ""


@contextmanager
def browser(
    downloads: Path, *, width: int = 1300, height: int = 1000, dark: bool = False
) -> Iterator[Any]:
    """A fresh one, without a network."""
    if why := missing():
        pytest.skip(why)
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(shutil.which("chromium"))
    words = [
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
        "--disable-background-networking", "--no-first-run", "--lang=en",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--window-size={width},{height}",
    ]  # fmt: skip
    if dark:
        words.append("--force-dark-mode")
        words.append("--blink-settings=preferredColorScheme=0")
    for word in words:
        options.add_argument(word)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(300)
    try:
        yield driver
    finally:
        driver.quit()


def open_page(driver: Any, path: Path, *, wait_s: float = 60) -> None:
    """Load a report and wait until it has been painted."""
    driver.get(path.as_uri())
    until(driver, "return document.documentElement.dataset.ready === 'yes'", wait_s=wait_s)


def until(driver: Any, script: str, *, wait_s: float = 60) -> None:
    """Wait until a script says true."""
    end_s = time.monotonic() + wait_s
    while not driver.execute_script(script):
        assert time.monotonic() < end_s, f"not within {wait_s:g} s: {script}"
        time.sleep(0.02)


def complaints(driver: Any) -> list[str]:
    """What the browser has logged since the last call: errors, refusals of the policy. That tests
    read the canvas back is none of the page's."""
    logged = [entry["message"] for entry in driver.get_log("browser") if entry["level"] != "INFO"]
    return [message for message in logged if "willReadFrequently" not in message]
