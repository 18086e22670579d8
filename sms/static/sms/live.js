// The page of one SMS while it leaves: what one has opened stays open, and where it stands is said once.

const opened = new Set();

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "sms-live") return;
  opened.clear();
  document.querySelectorAll("#sms-live details").forEach((row) => opened.add(`${row.id}:${row.open}`));
});

document.addEventListener("htmx:afterSwap", () => {
  document.querySelectorAll("#sms-live details").forEach((row) => {
    if (opened.has(`${row.id}:${!row.open}`)) row.open = !row.open;
  });
  const told = document.getElementById("sms-told");
  const now = document.getElementById("sms-live")?.dataset.told ?? "";
  if (told && told.textContent !== now) told.textContent = now;
});
