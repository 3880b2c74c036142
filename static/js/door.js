// The pages before one is signed in.
import { translate } from "./core/text.js";
import { revealers } from "./features/forms.js";
import { startInstalled } from "./features/installed.js";

translate(document);
revealers(document);
startInstalled();
for (const form of document.forms) {
  // Once is enough; coming back by the history makes it usable again.
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[type=submit]"));
  form.addEventListener("submit", () => button && setTimeout(() => (button.disabled = true)));
  addEventListener("pageshow", () => button && (button.disabled = false));
}
