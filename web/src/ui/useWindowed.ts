// Windowing on the page's own scroll: only the rows near the view are in the document.
import { useLayoutEffect, useRef, useState } from "react";
import { type Slice, visibleRows } from "@/lib/window";

export function useWindowed(count: number, rowHeight: number) {
  const list = useRef<HTMLDivElement>(null);
  const [slice, setSlice] = useState<Slice>({ start: 0, end: Math.min(count, 60) });
  useLayoutEffect(() => {
    const update = () => {
      const top = list.current?.getBoundingClientRect().top ?? 0;
      const next = visibleRows(count, rowHeight, top, window.innerHeight);
      setSlice((now) => (now.start === next.start && now.end === next.end ? now : next));
    };
    update();
    window.addEventListener("scroll", update, { passive: true });
    window.addEventListener("resize", update);
    return () => {
      window.removeEventListener("scroll", update);
      window.removeEventListener("resize", update);
    };
  }, [count, rowHeight]);
  return { list, slice: { start: Math.min(slice.start, count), end: Math.min(slice.end, count) } };
}
