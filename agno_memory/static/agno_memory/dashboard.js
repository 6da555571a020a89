// Counts all memories without leaving the page; by itself, if there is no full count yet. Without this script, the button
// submits the form.
"use strict";

function enhance(form) {
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button");

  async function refresh() {
    status.textContent = form.dataset.amBusy;
    button.disabled = true;
    try {
      const response = await fetch(form.action || location.href, { method: "POST", body: new FormData(form), credentials: "same-origin" });
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".am-dashboard");
      // For example a login page.
      if (!fresh) throw new Error("The response is not the dashboard.");
      const old = form.closest(".am-dashboard");
      const hadFocus = old.contains(document.activeElement);
      old.replaceWith(document.adoptNode(fresh));
      const next = fresh.querySelector("form[data-am-refresh]");
      listen(next);
      if (hadFocus) next.querySelector("button").focus();
    } catch {
      status.textContent = form.dataset.amFailed;
      button.disabled = false;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    refresh();
  });
  return refresh;
}

function listen(form) {
  return form && enhance(form);
}

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form[data-am-refresh]");
  const refresh = listen(form);
  // Only once per page, even if it fails: with a cache that stores nothing, the page would count without end.
  if (refresh && form.dataset.amRefresh === "now") refresh();
});
