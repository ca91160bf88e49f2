// Renews the live parts of the page while somebody can see it. Without this script the page shows what it showed at first.
"use strict";
(() => {
  const SECONDS = 5;
  const note = document.getElementById("live");
  const parts = () => document.querySelectorAll("[data-live][id]");
  if (!parts().length || !note) return;
  let timer = 0;

  const isInUse = (part) => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  };

  const renewPart = (part, now) => {
    if (part.innerHTML === now.innerHTML || isInUse(part)) return;
    const active = document.activeElement;
    const href = part.contains(active) ? active.getAttribute("href") : null;
    part.replaceChildren(...now.childNodes);
    if (href) part.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  };

  const tell = (text, good) => {
    note.hidden = false;
    note.textContent = text;
    note.classList.toggle("lost", !good);
  };

  const renew = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { "X-Renewal": "1" }, signal: AbortSignal.timeout(10000) });
      if (answer.status === 404) return location.reload(); // a reload of the configuration took it away
      if (!answer.ok) throw new Error(String(answer.status));
      const now = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const other = now.getElementById(part.id);
        if (!other) return location.reload(); // the session has ended, and with it what was shown to it
        renewPart(part, other);
      }
      tell("live", true);
    } catch {
      tell("no answer", false);
    }
    wait();
  };

  const wait = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(renew, SECONDS * 1000);
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) tell("paused", true);
    else renew();
  });
  tell("live", true);
  wait();
})();
