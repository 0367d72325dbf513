// A form in a dialog that saves one object; and the button that deletes one.
import { type FormEvent, type ReactNode, useState } from "react";
import type { Need } from "@/api/access";
import { Button } from "./Button";
import { Confirm, Dialog } from "./Dialog";
import { ErrorNotice } from "./Panel";
import { useAction } from "./useAction";

interface EditProps {
  title: string;
  /** What must still be mended, as a sentence. */
  missing?: string;
  needs: Need | undefined;
  changes: string[];
  verb?: string;
  save: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}

export function EditDialog({
  title,
  missing,
  needs,
  changes,
  verb = "Save",
  save,
  onClose,
  children,
}: EditProps) {
  const [tried, setTried] = useState(false);
  const action = useAction(
    async () => {
      await save();
      return true;
    },
    { changes, done: "Saved" },
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (missing === undefined && (await action.start())) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        {children}
        {tried && missing && (
          <p className="error" role="alert">
            {missing}
          </p>
        )}
        {action.error !== undefined && <ErrorNotice error={action.error} title="Could not save" />}
        <div className="form-actions">
          <Button type="submit" kind="primary" needs={needs} busy={action.busy}>
            {verb}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

interface DeleteProps {
  what: string;
  consequence: string;
  needs: Need;
  changes: string[];
  run: () => Promise<unknown>;
  verb?: string;
}

export function DeleteButton({ what, consequence, needs, changes, run, verb = "Delete" }: DeleteProps) {
  const [asking, setAsking] = useState(false);
  const refresh = useAction(async () => {}, { changes });
  return (
    <>
      <Button
        small
        kind="danger"
        needs={needs}
        aria-label={`${verb} ${what}`}
        onClick={() => setAsking(true)}
      >
        {verb}
      </Button>
      {asking && (
        <Confirm
          title={`${verb} ${what}`}
          verb={verb}
          run={async () => {
            await run();
            await refresh.start();
          }}
          onClose={() => setAsking(false)}
        >
          <p>{consequence}</p>
        </Confirm>
      )}
    </>
  );
}
