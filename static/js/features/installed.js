// The page as a program of its own: the service worker, and what signing out takes away from this browser.
import { near } from "../core/dom.js";
import { t } from "../core/text.js";

/** What stays in this browser when somebody signs out: how the page looks. */
const STAYS = "parlor.appearance";
const UNSENT = "parlor.outbox.";

/** After the page is there: nothing of it waits for this. */
export function startInstalled() {
  const register = () => navigator.serviceWorker?.register("/sw.js", { updateViaCache: "none" }).catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

/** Whoever signs out leaves nothing behind; what isn't sent yet is asked about first. */
export function startLeaving() {
  document.addEventListener("submit", async (event) => {
    const form = near(event, "form[action='/logout']");
    if (!form) return;
    event.preventDefault();
    const unsent = keys().filter((key) => key.startsWith(UNSENT)).length;
    if (unsent) {
      const { ask } = await import("./dialogs.js");
      if (!(await ask({ title: t("sign_out_title"), text: t("sign_out_text", { n: unsent }), action: t("sign_out"), danger: true }))) return;
    }
    for (const key of keys()) if (key.startsWith("parlor.") && key !== STAYS) localStorage.removeItem(key);
    sessionStorage.clear();
    form.submit();
  });
}

const keys = () => Object.keys(localStorage);
