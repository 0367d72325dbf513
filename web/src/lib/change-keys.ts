// Which cached answers a change makes old. A query's key begins with one of these words.

const ALSO: Record<string, string[]> = {
  server: ["overview"],
  incident: ["overview"],
  alert: ["rule", "incident", "inhibition"],
  rule: ["alert"],
  event: ["overview"],
  run: ["overview", "incident", "automation"],
  deployment: ["server", "overview"],
  automation: ["run", "incident"],
  silence: ["alert", "incident"],
  maintenance: ["alert", "incident"],
  inhibition: ["alert", "incident"],
  user: ["me", "schedule"],
  channel: ["me", "schedule"],
};

/** First words of the query keys to fetch again after changes of these kinds. */
export function keysToRefetch(kinds: Iterable<string>): Set<string> {
  const keys = new Set<string>();
  for (const kind of kinds) {
    keys.add(kind);
    for (const also of ALSO[kind] ?? []) keys.add(also);
  }
  return keys;
}
