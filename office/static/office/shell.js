// Keys, menus and the focus after a swap. Every page works without it.

const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

function focusFirst(root) {
  const first = root.querySelector("[autofocus]") ?? root.querySelector('[aria-invalid="true"]');
  first?.focus();
}

const goTo = (selector) => document.querySelector(selector)?.click();

const keys = {
  "/": () => document.getElementById("find")?.focus(),
  n: () => goTo('[data-key="n"]'),
  "?": () => goTo('.menu a[href*="/help/"]'),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => menu.removeAttribute("open"));
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  });
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.querySelector?.("[autofocus], [aria-invalid]")) focusFirst(event.target);
});

if (document.querySelector('[aria-invalid="true"]')) focusFirst(document);
