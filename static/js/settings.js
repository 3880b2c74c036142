// One's own settings: profile, appearance, password, sessions, invitations.
import { all, find, near, el, icon } from "./core/dom.js";
import { api } from "./core/api.js";
import { appearance, setAppearance } from "./core/appearance.js";
import { say, t, translate } from "./core/text.js";
import { date, fillTimes } from "./core/when.js";
import { initials } from "./core/names.js";
import { startPictures } from "./features/pictures.js";
import { apiForm, refuse, revealers } from "./features/forms.js";
import { startInstalled, startLeaving } from "./features/installed.js";
import { toast } from "./features/toasts.js";

translate(document);
fillTimes(document);
revealers(document);
startLeaving();
startInstalled();

const profile = /** @type {HTMLFormElement} */ (find("#profile-form"));
apiForm(profile, {
  done: ({ display, bio }) => {
    find("#display").defaultValue = display;
    find("#bio").defaultValue = bio;
    toast(t("saved"));
  },
});
const preview = () => {
  const name = find("#display").value.trim();
  find("#preview-name").textContent = name;
  find("#preview-bio").textContent = find("#bio").value;
  const [first] = find("#preview-avatar").childNodes;
  if (first.nodeType === Node.TEXT_NODE) first.data = initials(name) || "?";
};
startPictures(document);
profile.addEventListener("input", preview);
profile.addEventListener("reset", () => setTimeout(preview));

const password = /** @type {HTMLFormElement} */ (find("#password-form"));
apiForm(password, {
  done: () => {
    password.reset();
    toast(t("password_changed"));
    for (const row of all("#sessions [data-session]")) if (row.querySelector("[data-end]")) row.remove();
  },
});

const look = /** @type {HTMLFormElement} */ (find("#appearance-form"));
const kept = /** @type {Record<string, any>} */ (appearance());
for (const input of /** @type {HTMLInputElement[]} */ ([...look.elements])) {
  if (input.type === "radio") input.checked = input.value === (kept[input.name] ?? "");
  else if (input.type === "checkbox") input.checked = kept[input.name] !== false;
}
look.addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  setAppearance({ [input.name]: input.type === "checkbox" ? input.checked : input.value });
  if (input.name === "lang") location.reload();
});
look.addEventListener("submit", (event) => event.preventDefault());

find("#sessions").addEventListener("click", async (/** @type {Event} */ event) => {
  const one = near(event, "[data-end]");
  const others = near(event, "[data-end-others]");
  if (!one && !others) return;
  (one ?? others).disabled = true;
  try {
    await api("DELETE", one ? `/api/sessions/${one.dataset.end}` : "/api/sessions");
    if (one) one.closest("li").remove();
    else {
      for (const button of all("#sessions [data-end]")) button.closest("li").remove();
      others.remove();
    }
    toast(t("signed_out"));
  } catch (error) {
    toast(say(error));
    (one ?? others).disabled = false;
  }
});

const invites = find("#invites");
if (invites) {
  find("#invite-form").addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const made = await api("POST", "/api/invites", {});
      const field = find("#invite-url");
      find(".made", invites).hidden = false;
      field.value = made.url;
      field.select();
      const list = find("#invite-list");
      list.hidden = false;
      const invite = made.invites?.[0] ?? made;
      list.prepend(
        el("li", { "data-invite": invite.id }, el("span", { class: "glyph" }, icon("key")),
          el("div", {}, el("b", {}, t("invite_made")), el("small", {}, t("invite_until", { date: date(Number(invite.expires) || Date.parse(invite.expires)) }))),
          el("button", { class: "button small", type: "button", "data-withdraw": invite.id }, t("withdraw"))),
      );
    } catch (error) {
      refuse(invites, /** @type {any} */ (error));
    }
  });
  invites.addEventListener("click", async (/** @type {Event} */ event) => {
    const copy = near(event, "[data-copy]");
    const withdraw = near(event, "[data-withdraw]");
    if (copy) {
      const field = find(`#${copy.dataset.copy}`);
      await navigator.clipboard.writeText(field.value).then(() => toast(t("copied")), () => field.select());
    }
    if (!withdraw) return;
    try {
      await api("DELETE", `/api/invites/${withdraw.dataset.withdraw}`);
      withdraw.closest("li").remove();
    } catch (error) {
      refuse(invites, /** @type {any} */ (error));
    }
  });
}

// The part in view is the current one in the list at the side.
const links = all(".settings-nav a[href^='#']");
const sections = links.map((link) => find(link.getAttribute("href"))).filter(Boolean);
const mark = () => {
  const top = sections.findLast((section) => section.getBoundingClientRect().top < innerHeight / 3) ?? sections[0];
  for (const link of links) {
    if (link.getAttribute("href") === `#${top?.id}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
};
find(".settings").addEventListener("scroll", mark, { passive: true });
mark();
