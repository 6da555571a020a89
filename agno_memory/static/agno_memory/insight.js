// Has everything counted without leaving the page, at once where there is no whole picture yet. Without this script, the
// button does the same.
"use strict";

function follow(form) {
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button");

  async function refresh() {
    status.textContent = form.dataset.amBusy;
    button.disabled = true;
    try {
      const response = await fetch(form.action || location.href, { method: "POST", body: new FormData(form), credentials: "same-origin" });
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".am-insight");
      // A login page, for one.
      if (!fresh) throw new Error("no picture");
      const old = form.closest(".am-insight");
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
  return form && follow(form);
}

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form[data-am-refresh]");
  const refresh = listen(form);
  // Once a page, whatever comes of it: a cache that keeps nothing would have it counted forever.
  if (refresh && form.dataset.amRefresh === "now") refresh();
});
