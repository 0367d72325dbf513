// Runs before the first paint, so that no light page flashes at night.
(() => {
  let theme = "system";
  try {
    theme = localStorage.getItem("watchtower.theme") || "system";
  } catch {
    // Storage is switched off: follow the system.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
