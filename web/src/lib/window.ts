// Which rows of a long list are on screen, when the page itself scrolls.

export interface Slice {
  start: number;
  end: number;
}

/** Rows from `start` to before `end` that touch the view, with `overscan` rows on both sides. */
export function visibleRows(
  count: number,
  rowHeight: number,
  listTop: number,
  viewHeight: number,
  overscan = 8,
): Slice {
  const first = Math.floor(-listTop / rowHeight) - overscan;
  const last = Math.ceil((viewHeight - listTop) / rowHeight) + overscan;
  const start = Math.min(Math.max(0, first), Math.max(0, count - 1));
  return { start, end: Math.max(start, Math.min(count, last)) };
}
