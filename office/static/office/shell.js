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

/** An answer that comes while one types in another field leaves the keys there: htmx too moves the focus to [autofocus]. */
const typesBeside = (root) => typing(document.activeElement) && !root.contains(document.activeElement);

document.addEventListener("htmx:afterSwap", (event) => {
  if (!typesBeside(event.target)) return;
  event.target.querySelectorAll("[autofocus]").forEach((field) => field.removeAttribute("autofocus"));
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (typesBeside(event.target)) return;
  if (event.target.querySelector?.("[autofocus], [aria-invalid]")) focusFirst(event.target);
});

if (document.querySelector('[aria-invalid="true"]')) focusFirst(document);
