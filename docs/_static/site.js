/* An output that is wider than the page scrolls, and so the keyboard must reach it; one that fits is no stop for it. */
(function () {
  "use strict";

  function mark() {
    document.querySelectorAll(".cell_output .output").forEach(function (output) {
      if (output.scrollWidth > output.clientWidth + 1) {
        output.tabIndex = 0;
      } else {
        output.removeAttribute("tabindex");
      }
    });
  }

  window.addEventListener("load", mark);
  window.addEventListener("resize", mark);
})();
