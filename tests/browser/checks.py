"""Checks for every page: readable at any width, with enough contrast."""

# The contrast of every text with its background, as WCAG 2 defines it.
POOR_CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  let checked = 0;
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    checked += 1;
    const tones = [parse(getComputedStyle(element).color), behind(element)].map(light);
    const ratio = (Math.max(...tones) + 0.05) / (Math.min(...tones) + 0.05);
    if (ratio < 4.5) poor.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
  }
  return { checked, poor };
}"""

# Content that `overflow: hidden` cuts off does not scroll, but nobody can read it.
CUT_OFF = """[...document.querySelectorAll('main *')].filter((one) => one.checkVisibility()
  && getComputedStyle(one).position !== 'absolute'
  && one.getBoundingClientRect().right > innerWidth + 0.5).map((one) => one.outerHTML.slice(0, 80))"""


def sideways(page) -> list[str]:
    """The elements that reach beyond the right edge."""
    inner, content = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    return page.evaluate(CUT_OFF) + ([f"{content} px in {inner}"] if content > inner else [])
