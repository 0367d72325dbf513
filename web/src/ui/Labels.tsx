// A server's or alert's labels as small chips.

const SHOWN = 6;

export function LabelChips({ labels, max = SHOWN }: { labels: Record<string, string>; max?: number }) {
  const all = Object.entries(labels);
  return (
    <>
      {all.slice(0, max).map(([name, value]) => (
        <span key={name} className="label-chip" title={`${name}=${value}`}>
          {name}={value}
        </span>
      ))}
      {all.length > max && <span className="meta">+{all.length - max}</span>}
    </>
  );
}
