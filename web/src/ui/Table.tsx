// A plain table for lists of up to a few hundred rows. Low columns leave first on small screens.
import { type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import { naturalCompare } from "@/lib/labels";

export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ReactNode;
  /** Makes the column sortable. */
  sort?: (row: T) => string | number | null | undefined;
  num?: boolean;
  low?: boolean;
  main?: boolean;
}

interface TableProps<T> {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  /** Where a click on the row leads; the main cell holds the link for keyboards. */
  href?: (row: T) => string;
  sortBy?: string;
  descending?: boolean;
}

type Key = string | number | null | undefined;

export function compareKeys(a: Key, b: Key): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  return typeof a === "number" && typeof b === "number" ? a - b : naturalCompare(String(a), String(b));
}

function useSorted<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  initial?: string,
  initialDown = false,
) {
  const [by, setBy] = useState(initial);
  const [down, setDown] = useState(initialDown);
  const column = columns.find((candidate) => candidate.key === by);
  const toggle = (key: string) => {
    setDown(by === key ? !down : columns.find((candidate) => candidate.key === key)?.num === true);
    setBy(key);
  };
  if (!column?.sort) return { sorted: rows, by, down, toggle };
  const { sort } = column;
  const sorted = [...rows].sort((a, b) => {
    const [x, y] = [sort(a), sort(b)];
    if (x == null || y == null) return compareKeys(x, y);
    return down ? compareKeys(y, x) : compareKeys(x, y);
  });
  return { sorted, by, down, toggle };
}

export function Table<T>({ label, rows, columns, rowKey, href, sortBy, descending }: TableProps<T>) {
  const [, navigate] = useLocation();
  const { sorted, by, down, toggle } = useSorted(rows, columns, sortBy, descending);
  const classOf = (column: Column<T>) =>
    [column.num && "num", column.low && "low", column.main && "main"].filter(Boolean).join(" ") || undefined;
  return (
    <div className="table-wrap" tabIndex={0} role="group" aria-label={label}>
      <table className="table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                className={classOf(column)}
                aria-sort={column.key === by ? (down ? "descending" : "ascending") : undefined}
              >
                {column.sort ? (
                  <button
                    type="button"
                    className="sort"
                    aria-pressed={column.key === by}
                    onClick={() => toggle(column.key)}
                  >
                    {column.head} {column.key === by ? (down ? "↓" : "↑") : ""}
                  </button>
                ) : (
                  column.head || <span className="visually-hidden">Actions</span>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr
              key={rowKey(row)}
              className={href ? "clickable" : undefined}
              onClick={(event) => {
                const inside = (event.target as Element).closest("a, button, input, select, label");
                if (href && !inside && !window.getSelection()?.toString()) navigate(href(row));
              }}
            >
              {columns.map((column) => (
                <td key={column.key} className={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
