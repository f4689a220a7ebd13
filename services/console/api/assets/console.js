// What every page does in the browser: keyboard shortcuts, dialogs, and leaving when nobody is there.
(() => {
  "use strict";
  const MINUTE = 60000;
  const byId = (id) => document.getElementById(id);

  // What a page fetches by itself does not keep the session awake.
  document.addEventListener("htmx:configRequest", (event) => {
    const cause = event.detail.triggeringEvent;
    if (cause && cause.type.startsWith("live:")) event.detail.headers["x-stride-live"] = "1";
  });

  // What could not be fetched when something changed is fetched as soon as it can be.
  for (const failure of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(failure, (event) => {
      const cause = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
      if (cause && cause.type.startsWith("live:")) setTimeout(() => htmx.trigger(document.body, "live:all"), 2000);
    });
  }

  // Part of a page that somebody is writing in, or that has an open menu, is left alone until they are done.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const cause = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
    const target = event.detail.target;
    if (!cause || !cause.type.startsWith("live:")) return;
    const busy = "details[open]:is(.menu, [data-hold]), section[data-hold], :is(input, select, textarea):focus";
    // What was asked for while a panel was open may come when it is closed.
    if (target.querySelector(busy) || target.matches("dialog:not([open])")) event.detail.shouldSwap = false;
  });

  // What somebody has opened stays open when its part of the page is fetched anew.
  const nameOf = (details) => {
    const place = details.closest("[id]");
    return (place ? place.id : "") + "|" + details.querySelector("summary").textContent.trim();
  };
  let opened = new Set();
  document.addEventListener("htmx:beforeSwap", (event) => {
    opened = new Set([...event.detail.target.querySelectorAll("details[open]")].map(nameOf));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const details of event.detail.target.querySelectorAll("details")) {
      if (opened.has(nameOf(details))) details.open = true;
    }
  });

  // What is fetched into a panel opens it, and what goes wrong in it is said there.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const panel = event.detail.requestConfig.elt.closest("dialog[data-panel]");
    const notices = panel && event.detail.target.id === "notices" && panel.querySelector("[data-notices]");
    if (notices) event.detail.target = notices;
  });
  let opener = null;
  document.addEventListener("htmx:afterSwap", (event) => {
    const panel = event.detail.target.closest("dialog[data-panel]");
    if (!panel || panel.open) return;
    opener = row;
    panel.showModal();
  });
  // A closed panel follows nothing, and whatever it was opened from has the focus again.
  document.addEventListener("close", (event) => {
    if (!event.target.matches("dialog[data-panel]")) return;
    event.target.replaceChildren();
    focus(byId(opener));
  }, true);

  function writing(element) {
    return element.closest("input, select, textarea, dialog, [contenteditable]");
  }

  // Keys: an element with `data-key` is pressed by its key; links in the navigation by `g` and their key.
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
    const went = going && Date.now() - going < 1500;
    going = 0;
    if (event.key === "g" && !went) {
      going = Date.now();
      return;
    }
    if (press(event.key, went)) event.preventDefault();
  });

  function press(key, went) {
    if (went) return click(document.querySelector(`header nav a[data-key="${CSS.escape(key)}"]`));
    if (key === "?") return open(byId("shortcuts"));
    if (key === "/") return focus(document.querySelector("[data-search]"));
    if (key === "j" || key === "k") return step(key === "j" ? 1 : -1);
    const wanted = `[data-key="${CSS.escape(key)}"]`;
    const scopes = [currentRow(), document.querySelector("[data-keys]")];
    return scopes.some((scope) => scope && click(scope.querySelector(wanted)));
  }

  function click(element) {
    if (!element || element.disabled) return false;
    element.click();
    return true;
  }

  function focus(element) {
    if (!element) return false;
    element.focus();
    if (element.select) element.select();
    return true;
  }

  function open(dialog) {
    if (!dialog || dialog.open) return false;
    dialog.showModal();
    return true;
  }

  // The row that has the focus, or had it until it was fetched anew.
  function currentRow() {
    const focused = document.activeElement.closest("[data-row]");
    return focused || (row && document.activeElement === document.body && byId(row));
  }

  // `j` and `k` walk through rows: elements with `data-row`, a focusable one in each.
  function step(by) {
    const rows = [...document.querySelectorAll("[data-row]")];
    if (!rows.length) return false;
    const at = rows.indexOf(currentRow());
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    next.scrollIntoView({ block: "nearest" });
    return focus(next);
  }

  // The row that had the focus has it again after the list was fetched anew.
  let row = null;
  document.addEventListener("focusin", (event) => {
    const focused = event.target.closest("[data-row]");
    row = focused && focused.id;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (row && document.activeElement === document.body) focus(byId(row));
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) open(byId(opener.dataset.opens));
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  });

  // Somebody who does nothing is asked, then signed out; whoever types or points stays, in all tabs.
  const idle = Number(document.body.dataset.idleMinutes) * MINUTE;
  const leaving = byId("leaving");
  let told = Date.now();
  const last = () => Number(localStorage.getItem("stride-touched")) || 0;

  function touched() {
    const now = Date.now();
    if (now - last() > 1000) localStorage.setItem("stride-touched", String(now));
    if (now - told > Math.min(MINUTE, idle / 3)) {
      told = now;
      htmx.ajax("POST", "/awake", { swap: "none" });
    }
  }

  function look() {
    const quiet = Date.now() - last();
    if (quiet >= idle) byId("sign-out").submit();
    else if (quiet >= idle - Math.min(MINUTE, idle / 2)) open(leaving);
    else if (leaving.open) leaving.close();
  }

  localStorage.setItem("stride-touched", String(Date.now()));
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(kind, touched, { passive: true });
  }
  setInterval(look, Math.min(5000, idle / 10));
})();
