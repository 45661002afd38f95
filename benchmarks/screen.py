"""How long a learner waits, in JupyterLab in a real Chromium: from a click on a switch to the words and the picture.

    python benchmarks/screen.py [clicks]

It starts a lab of its own. Times are taken in the page, around `click()`, so that the robot's own time is not in them:

- words: the new verdict is in the page;
- picture: the new ladder is, too;
- painted: the ladder's image is decoded, and a frame with it has been drawn;
- kernel: the same moves made in that kernel, without a page: the handshake, the explanation and the HTML.

The rest is on the way: on stock Jupyter about 40 ms of it are two TCP settings that wait for each other, between the
server and the page (Nagle's algorithm and delayed acknowledgements).
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

# The harness of the browser tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from lab_page import LabPage, Panel, browser_name, chromium
from lab_server import lab_server

BUDGET_MS = 150
NAMES = ("words", "picture", "painted")

# One click at a time: the next one waits until this one is painted.
_CLICKS = """async ([root, first, second, clicks]) => {
  const image = () => root.querySelector('img');
  const status = () => root.querySelector('[role=status]').textContent;
  const until = changed => new Promise(done => {
    if (changed()) return done(performance.now());
    const observer = new MutationObserver(() => {
      if (!changed()) return;
      observer.disconnect();
      done(performance.now());
    });
    observer.observe(root, {subtree: true, childList: true, characterData: true, attributes: true});
  });
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (let number = 0; number < clicks; number++) {
    const words = status(), picture = image().src, began = performance.now();
    const wordsChange = until(() => status() !== words), pictureChanges = until(() => image().src !== picture);
    (number % 2 ? second : first).click();
    const [said, drawn] = await Promise.all([wordsChange, pictureChanges]);
    await image().decode();
    await frame();
    times.push([said - began, drawn - began, performance.now() - began]);
  }
  return times;
}"""
_IN_THE_KERNEL = """async clicks => {
  const code = `
from time import perf_counter as _now
_times = []
for _number in range(${clicks}):
    _began = _now()
    panel.server_verifies = ("required", "none")[_number % 2]
    _times.append((_now() - _began) * 1000)
`;
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const asked = {code, user_expressions: {times: '_times'}, store_history: false};
  const reply = await kernel.requestExecute(asked).done;
  return JSON.parse(reply.content.user_expressions.times.data['text/plain']);
}"""


def measure(clicks: int) -> dict[str, list[float]]:
    """Milliseconds by name, each list sorted."""
    with tempfile.TemporaryDirectory() as home, lab_server(Path(home)) as server, chromium(browser_name()) as (tabs, _):
        lab = LabPage(tabs.new_page(), server)
        lab.enter()
        lab.until_ready()
        lab.run_all()
        panel = Panel(lab.page)
        panel.reset()
        clicked(panel, 10)
        rows = clicked(panel, clicks)
        kernel: list[float] = lab.page.evaluate(_IN_THE_KERNEL, clicks)
    by_name = {name: [row[place] for row in rows] for place, name in enumerate(NAMES)}
    return {name: sorted(times) for name, times in (by_name | {"kernel": kernel}).items()}


def clicked(panel: Panel, clicks: int) -> list[list[float]]:
    """Flip the server's switch that many times, and back; the three times of each click."""
    positions = [panel.level("server verifies client", level).element_handle() for level in ("required", "none")]
    arguments: list[Any] = [panel.root.element_handle(), *positions, clicks]
    times: list[list[float]] = panel.root.page.evaluate(_CLICKS, arguments)
    return times


def main() -> None:
    """Print a line for each time, beside the budget."""
    clicks = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    figures = measure(clicks)
    for name, times in figures.items():
        print(f"{name:8} p50 {at(times, 0.5):6.1f} ms   p95 {at(times, 0.95):6.1f} ms   worst {times[-1]:6.1f} ms")
    share = at(figures["kernel"], 0.5) / at(figures["painted"], 0.5)
    p95 = at(figures["painted"], 0.95)
    print(f"the kernel's share of a painted picture: {share:.0%}")
    print(f"budget: {BUDGET_MS} ms from click to painted at p95: {'kept' if p95 <= BUDGET_MS else 'EXCEEDED'}")


def at(times: list[float], part: float) -> float:
    """The time that this part of the sorted times does not exceed."""
    return times[min(int(len(times) * part), len(times) - 1)]


if __name__ == "__main__":
    main()
