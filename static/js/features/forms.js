// Forms that go to the API: `data-api` is the path, the fields' names are the body. What is refused stands at its field.
import { all, el, find, icon, near } from "../core/dom.js";
import { api } from "../core/api.js";
import { say, t } from "../core/text.js";
import { toast } from "./toasts.js";

/**
 * @param {HTMLFormElement} form
 * @param {{ body?: () => any, done?: (answer: any) => void }} [ways]
 */
export function apiForm(form, { body, done } = {}) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(form);
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[type=submit]"));
    if (button) button.disabled = true;
    const { api: path = "", method = "POST" } = form.dataset;
    try {
      const values = body ? body() : Object.fromEntries([...new FormData(form)].filter(([name]) => name !== "username"));
      let answer;
      if ("oneByOne" in form.dataset) {
        for (const [name, value] of Object.entries(values)) {
          const field = /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
          if (value === field.defaultValue) continue;
          answer = await api(method, path, { [name]: value });
          field.defaultValue = String(value);
        }
      } else answer = await api(method, path, values);
      if (done) done(answer);
      else toast(t("saved"));
    } catch (error) {
      refuse(form, /** @type {any} */ (error));
    }
    if (button) button.disabled = false;
  });
}

/** @param {HTMLElement} form */
function clear(form) {
  for (const field of all("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
  for (const error of all(".field .error", form)) error.remove();
  const whole = find(":scope > .error", form);
  if (whole) whole.hidden = true;
}

/** @param {HTMLElement} form @param {{ code?: string, field?: string, message?: string }} error */
export function refuse(form, error) {
  const text = say(error);
  const field = error.field && find(`[name="${CSS.escape(error.field)}"]`, form);
  if (field) {
    const id = `${field.id}-error`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", id);
    field.closest(".field").append(el("p", { class: "error", id, role: "alert" }, icon("alert", "small"), text));
    field.focus();
    return;
  }
  const whole = find(":scope > .error", form);
  if (!whole) {
    toast(text);
    return;
  }
  whole.textContent = text;
  whole.hidden = false;
}

/** Passwords may be looked at. @param {ParentNode} root */
export function revealers(root) {
  for (const button of all("[data-reveal]", root)) button.hidden = false;
  root.addEventListener("click", (event) => {
    const button = near(event, "[data-reveal]");
    if (!button) return;
    const field = document.getElementById(button.dataset.reveal);
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    field?.setAttribute("type", shown ? "text" : "password");
  });
}
