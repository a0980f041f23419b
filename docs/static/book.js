/* Whatever scrolls sideways can be reached with the keyboard. */
function makeScrollable() {
  for (const box of document.querySelectorAll("pre, .cell_output, .table-wrapper, .output")) {
    if (box.scrollWidth > box.clientWidth + 1) {
      box.tabIndex = 0;
      if (!box.hasAttribute("role")) {
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", "scrolls sideways");
      }
    }
  }
}
window.addEventListener("load", makeScrollable);
window.addEventListener("resize", makeScrollable);
