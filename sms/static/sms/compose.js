// The SMS form while one types: the length at once, and a pasted list that keeps its lines. Without it the form works too.

import { clean, split } from "./parts.js";

const form = () => document.getElementById("sms-form");

/** The text as it will be sent: the signature stands on a line of its own. */
function finished(fields) {
  const text = clean(fields.elements.text.value);
  const signs = fields.elements.sign?.checked && fields.dataset.signature.trim() !== "" && text.trim() !== "";
  return signs ? `${text.trimEnd()}\n${fields.dataset.signature.trim()}` : text.trimEnd();
}

function count() {
  const fields = form();
  const counter = fields?.querySelector("[data-sms-counter]");
  if (!counter) return;
  const parts = split(finished(fields));
  fields.elements.parts_each.value = parts.count;
  counter.textContent = `${parts.used}/${parts.limit * Math.max(parts.count, 1)}`;
  const each = fields.querySelector("[data-sms-each]");
  const words = parts.count < 2 ? each.dataset.one : each.dataset.two;
  each.textContent = words.replace(/[12]/, String(parts.count));
}

/** A field of one line would run the lines of a pasted list together: they become a list with commas. */
function pasteMany(event) {
  const pasted = event.clipboardData?.getData("text/plain") ?? "";
  if (event.target.id !== "id_mobile" || !/[\r\n]/.test(pasted.trim())) return;
  event.preventDefault();
  const list = document.getElementById("id_to");
  list.value = `${list.value}\n${pasted}`;
  form().requestSubmit(document.getElementById("sms-read"));
}

/** Numbers added while an answer is on its way: the field is free at once, and the next call takes them along. */
let waiting = [];
let underWay = [];
let pressed = "";
let kept = "";

const mobile = () => document.getElementById("id_mobile");

document.addEventListener(
  "submit",
  (event) => {
    if (event.target.id !== "sms-form" || !window.htmx) return;
    pressed = event.submitter?.value ?? "";
    if (pressed !== "add") return;
    waiting.push(mobile().value);
    mobile().value = "";
  },
  true,
);
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt?.id !== "sms-form") return;
  const { parameters } = event.detail;
  // A call that waited for the one before has lost its button, if the answer replaced it.
  if (!parameters.press && pressed) parameters.press = pressed;
  if (!waiting.length) return;
  underWay = waiting;
  waiting = [];
  const typing = parameters.press === "add" ? [] : [parameters.mobile];
  parameters.mobile = [...underWay, ...typing].join("\n");
});
document.addEventListener("htmx:beforeSwap", () => {
  kept = mobile()?.value ?? "";
});
document.addEventListener("htmx:afterSwap", (event) => {
  const taken = ![400, 401, 503].includes(event.detail.xhr?.status);
  const adding = taken && event.detail.requestConfig?.parameters.press === "add";
  if (adding && mobile()) mobile().value = kept;
  if (adding) underWay = [];
  count();
});
for (const failed of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failed, () => {
    if (!underWay.length || !mobile()) return;
    mobile().value = [...underWay, mobile().value].filter(Boolean).join(", ");
    underWay = [];
  });
}

document.addEventListener("input", (event) => {
  if (event.target.closest("#sms-form")) count();
});
document.addEventListener("change", (event) => {
  if (event.target.closest("#sms-form")) count();
});
document.addEventListener("paste", pasteMany);

/** The draft is kept with each quote; who leaves before that was asked has it kept on the way out. */
const DRAFT = ["csrfmiddlewaretoken", "text", "sign", "later", "token", "people"];
let unkept = false;

for (const typed of ["input", "change"]) {
  document.addEventListener(typed, (event) => {
    if (event.target.closest("#sms-draft")) unkept = true;
  });
}
document.addEventListener("htmx:beforeRequest", (event) => {
  if (["sms-form", "sms-draft"].includes(event.detail.elt?.id)) unkept = false;
});
addEventListener("pagehide", () => {
  if (!unkept || !form()) return;
  const draft = new FormData(form());
  [...draft.keys()].filter((name) => !DRAFT.includes(name)).forEach((name) => draft.delete(name));
  unkept = !navigator.sendBeacon(document.getElementById("sms-draft").getAttribute("hx-post"), draft);
});

/** The picker: what is ticked goes on the form at once, what is typed is searched for. Without it there are buttons. */
const press = (id) => form()?.requestSubmit(document.getElementById(id));
let typing;

document.addEventListener("change", (event) => {
  if (event.target.dataset?.press === "picker-pick") press("picker-pick");
});
document.addEventListener("input", (event) => {
  if (event.target.id !== "picker-q") return;
  clearTimeout(typing);
  typing = setTimeout(() => press("picker-look"), 250);
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "picker-q" || event.key !== "Enter") return;
  event.preventDefault();
  clearTimeout(typing);
  press("picker-look");
});

count();
