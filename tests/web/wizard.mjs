// The add-server wizard as a person goes through it.

/** From the list of servers to one host that takes a password. */
export async function fillWizard(page, origin, { host, user, secret }) {
  await page.goto(`${origin}/servers`);
  await page
    .getByRole("link", { name: /Add (the first )?server/ })
    .first()
    .click();
  await page.getByRole("link", { name: "Connect by SSH" }).click();
  await page.getByRole("textbox", { name: "Hosts" }).fill(host);
  await page.getByTestId("targets").getByText("1 host, read as a list").waitFor();
  await signInBy(page, { user, secret });
}

export async function signInBy(page, { user, secret }) {
  await page.getByLabel("Sign in with").selectOption({ label: "A password" });
  await page.getByLabel("User", { exact: true }).fill(user);
  await page.getByLabel("Password", { exact: true }).fill(secret);
}

/** Shows the host's key, which the hub sees for the first time. */
export async function lookAtKeys(page) {
  await page.getByRole("button", { name: "Look at the host keys" }).click();
  const keys = page.getByTestId("fingerprints");
  await keys.getByText("SHA256:").waitFor();
  await keys.getByText("new", { exact: true }).waitFor();
}

export async function confirmKeys(page) {
  await page.getByRole("button", { name: "It is this host's" }).click();
  await page.getByTestId("fingerprints").getByText("known", { exact: true }).waitFor();
}

/** Shows the key of a host that is known by now. */
export async function lookAgain(page) {
  await page.getByRole("button", { name: "Look at the host keys" }).click();
  await page.getByTestId("fingerprints").getByText("known", { exact: true }).waitFor();
}
