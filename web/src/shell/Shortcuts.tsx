// The keys, on one sheet.
import { Dialog } from "@/ui/Dialog";

const KEYS: [string, string][] = [
  ["Ctrl K", "Search pages, servers, incidents, rules and scripts"],
  ["g then o s i r x u c", "Go to overview, servers, incidents, rules, scripts, runs, channels"],
  ["/", "Filter the list"],
  ["j  k", "Next and previous row of a list; Enter opens it"],
  ["Space", "Pause or resume live updates"],
  ["a  n  r", "Acknowledge, note, resolve the incident on screen"],
  ["1 … 4", "Tabs of a server"],
  ["← →", "Move the cursor of a focused chart"],
  ["?", "This help"],
];

export function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <table className="table">
        <tbody>
          {KEYS.map(([key, what]) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="meta">Single keys can be switched off in the user menu.</p>
    </Dialog>
  );
}
