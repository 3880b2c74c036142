// The page without a network: it goes back to what was asked for as soon as the server answers.
import { backoff } from "./core/backoff.js";
import { translate } from "./core/text.js";

translate(document);

/** @param {number} tries */
async function look(tries) {
  const there = await fetch("/healthz", { cache: "no-store" }).then((answer) => answer.ok, () => false);
  if (there) location.reload();
  else setTimeout(look, backoff(tries), tries + 1);
}
// Under its own address it is only looked at.
if (location.pathname !== "/offline") setTimeout(look, backoff(1), 2);
addEventListener("online", () => location.reload());
document.querySelector("#again")?.addEventListener("click", () => location.reload());
