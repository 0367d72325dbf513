// Fuzzy match for the palette: letters in order; word starts and runs score higher.

/** Higher is better; undefined when the needle's letters do not occur in order. */
export function fuzzyScore(needle: string, text: string): number | undefined {
  const wanted = needle.toLowerCase().replace(/\s+/g, "");
  const hay = text.toLowerCase();
  if (wanted === "") return 0;
  let score = hay.includes(wanted) ? 20 : 0;
  let at = 0;
  let previous = -2;
  for (const letter of wanted) {
    const found = hay.indexOf(letter, at);
    if (found < 0) return undefined;
    if (found === previous + 1) score += 3;
    if (found === 0 || /[^a-z0-9]/.test(hay[found - 1] ?? "")) score += 2;
    previous = found;
    at = found + 1;
  }
  return score - hay.length / 100;
}
