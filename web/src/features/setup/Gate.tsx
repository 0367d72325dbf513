// The frame of the pages before the sign-in.
import type { ReactNode } from "react";

export function Gate({ children }: { children: ReactNode }) {
  return (
    <div className="gate">
      <main>
        <div className="brand">
          <img src="/icon.svg" alt="" />
          <span style={{ all: "unset" }}>Watchtower</span>
        </div>
        {children}
      </main>
    </div>
  );
}
