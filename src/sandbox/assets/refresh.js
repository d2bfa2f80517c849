// Fetches this page again every two seconds and swaps its <main> when it has changed.
const EVERY = 2000;

async function refresh() {
  // A page nobody sees needs no news; a reader who is selecting text must not lose it.
  if (document.hidden || !getSelection().isCollapsed) return;
  const stale = document.getElementById("stale");
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const before = document.querySelector("main");
    const after = page.querySelector("main");
    stale.hidden = true;
    if (!after || after.innerHTML === before.innerHTML) return;
    const focused = before.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null;
    before.replaceWith(document.adoptNode(after));
    document.title = page.title;
    if (focused !== null) {
      [...after.querySelectorAll("a")]
        .find((link) => link.getAttribute("href") === focused)
        ?.focus({ preventScroll: true });
    }
  } catch {
    stale.hidden = false;
  }
}

setInterval(refresh, EVERY);
