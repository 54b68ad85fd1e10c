"""Takes the README's pictures of the page: docs/explain-*.png. Needs chromium and chromedriver."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import backlit as torch
from backlit.explain import explain

DOCS = Path(__file__).parents[1] / "docs"
SIZE = (1200, 700)
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
    ),
)


def three_variables() -> Any:
    """(x·y + y·z)²: y is reached by two paths."""
    x = torch.tensor(1.0, requires_grad=True)
    y = torch.tensor(3.0, requires_grad=True)
    z = torch.tensor(3.0, requires_grad=True)
    p = x * y
    s = y * z
    q = p + s
    r = q**2
    return explain(r)


def xor() -> Any:
    """A 2-2-1 network at the start of its training."""
    torch.manual_seed(0)
    hidden, output = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    h = torch.sigmoid(hidden(x))
    y_hat = torch.sigmoid(output(h))
    loss = torch.nn.functional.mse_loss(y_hat, y)
    return explain(loss)


def browser(folder: str) -> Any:
    """Chromium without a window."""
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        sys.exit("make_screenshots: needs selenium: pip install 'backlit[web]'")
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        sys.exit(
            "make_screenshots: needs chromium and chromedriver on PATH "
            "(on Debian: apt install chromium chromium-driver)"
        )
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=Service(driver))


def take(driver: Any, explanation: Any, clicked: str, scheme: str, name: str) -> None:
    """One picture, with a value chosen."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "why.html"
        explanation.save(page)
        width, height = SIZE
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        driver.get(page.as_uri())
        node = explanation.graph.find(clicked).id
        click = "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))"
        element = driver.find_element("css selector", f".node[data-id={node}]")
        driver.execute_script(click, element)
        driver.save_screenshot(str(DOCS / f"{name}.png"))
    print(f"docs/{name}.png: {(DOCS / f'{name}.png').stat().st_size / 1000:.0f} kB")


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        driver = browser(folder)
        try:
            take(driver, three_variables(), "y", "light", "explain-paths")
            take(driver, xor(), "hidden.weight", "dark", "explain-network")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
