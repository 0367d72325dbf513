// A new password: one's own needs the old one, an administrator sets anyone's.
import { useState } from "react";
import { api } from "@/api/client";
import type { User } from "@/api/types";
import { EditDialog } from "@/ui/EditDialog";
import { TextField } from "@/ui/Field";

const PASSWORD_MIN = 12;

export function PasswordDialog({ user, own, onClose }: { user: User; own: boolean; onClose: () => void }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const missing =
    own && !current
      ? "Enter your present password."
      : next.length < PASSWORD_MIN
        ? `The new password needs at least ${PASSWORD_MIN} characters.`
        : undefined;
  return (
    <EditDialog
      title={`Change the password of ${user.name}`}
      missing={missing}
      needs="respond"
      changes={["user"]}
      save={() =>
        api.post("/users/{user}/password", {
          path: { user: user.id },
          body: { current: own ? current : null, new: next },
        })
      }
      onClose={onClose}
    >
      {own && (
        <TextField
          label="Present password"
          type="password"
          value={current}
          onChange={setCurrent}
          autoComplete="current-password"
        />
      )}
      <TextField
        label="New password"
        type="password"
        value={next}
        onChange={setNext}
        autoComplete="new-password"
        hint={`At least ${PASSWORD_MIN} characters.`}
      />
    </EditDialog>
  );
}
