// Fetches this page again every few seconds and swaps its <main> when it has changed.
const EVERY = 1000 * Number(document.currentScript.dataset.every);

// The attributes that identify a focusable element, such as a link.
const name = (element) => element.id || element.getAttribute("href");

async function refresh() {
  // A hidden page needs no update, and a reader must not lose selected text.
  if (document.hidden || !getSelection().isCollapsed) return;
  const stale = document.getElementById("stale");
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const before = document.querySelector("main");
    const after = page.querySelector("main");
    stale.hidden = after !== null;
    if (!after) return;
    for (const unfolded of before.querySelectorAll("details[open]")) {
      after.querySelector(`#${unfolded.id}`)?.setAttribute("open", "");
    }
    if (after.innerHTML === before.innerHTML) return;
    const focused = before.contains(document.activeElement) ? name(document.activeElement) : null;
    before.replaceWith(document.adoptNode(after));
    document.title = page.title;
    if (focused) {
      [after, ...after.querySelectorAll("[id], a")]
        .find((element) => name(element) === focused)
        ?.focus({ preventScroll: true });
    }
  } catch {
    stale.hidden = false;
  }
}

setInterval(refresh, EVERY);
