// `j` and `k` move the focus from row to row in the lists of a page; Enter then opens the row's link.
import { useKey } from "@/lib/hooks";

const ROWS = "main tbody tr, main .grid-row, main .incident-line, main .list-row";

function move(by: number): void {
  const links = [...document.querySelectorAll(ROWS)]
    .map((row) => row.querySelector<HTMLElement>("a, button"))
    .filter((link) => link !== null && link.offsetParent !== null);
  const at = links.findIndex((link) => link?.closest(ROWS)?.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}

export function useListKeys(): void {
  useKey("j", () => move(1));
  useKey("k", () => move(-1));
}
