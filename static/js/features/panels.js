// The pages beside the rooms: a new room, and a room's settings.
import { all, find, near } from "../core/dom.js";
import { api } from "../core/api.js";
import { say, t } from "../core/text.js";
import { apiForm, refuse } from "./forms.js";
import { chooser } from "./chooser.js";
import { startPictures } from "./pictures.js";
import { ask } from "./dialogs.js";
import { toast } from "./toasts.js";

/** @param {import("./app.js").App} app */
export function startPanels(app) {
  for (const form of all("form[data-api]")) if (form.id !== "new-room") apiForm(form);
  startPictures(document);
  newRoom(app);
  members(app);
  document.addEventListener("click", async (event) => {
    const leave = near(event, "[data-leave]");
    if (!leave) return;
    if (!(await ask({ title: t("leave_title"), text: t("leave_text"), action: t("leave"), danger: true }))) return;
    try {
      await api("POST", `/api/rooms/${leave.dataset.leave}/leave`);
      location.assign("/");
    } catch (error) {
      refuse(leave.closest("section"), /** @type {any} */ (error));
    }
  });
}

/** @param {import("./app.js").App} app */
function newRoom(app) {
  const form = /** @type {HTMLFormElement | null} */ (find("#new-room"));
  if (!form) return;
  const people = chooser(find("#chooser", form), app.me.id);
  const kind = () => String(new FormData(form).get("kind"));
  const draw = () => {
    for (const field of all("[data-for]", form)) field.hidden = !field.dataset.for.split(" ").includes(kind());
    find("#room-name", form).required = kind() !== "group";
  };
  form.addEventListener("change", draw);
  draw();
  apiForm(form, {
    body: () => {
      const data = new FormData(form);
      const named = kind() !== "group";
      const topic = String(data.get("topic")).trim();
      return {
        kind: kind(),
        ...(named && { name: String(data.get("name")).trim() }),
        ...(named && topic && { topic }),
        ...(["private", "group"].includes(kind()) && people.users().length && { people: people.users() }),
      };
    },
    done: ({ room }) => location.assign(`/rooms/${room}`),
  });
}

/** @param {import("./app.js").App} app */
function members(app) {
  const section = /** @type {HTMLElement | null} */ (find("section#members"));
  if (!section) return;
  const base = `/api/rooms/${section.dataset.room}/members`;
  const doing = async (/** @type {() => Promise<any>} */ what) => {
    try {
      await what();
      location.reload();
    } catch (error) {
      toast(say(error));
    }
  };
  const box = find("#chooser", section);
  if (box) chooser(box, app.me.id, (person) => doing(() => api("POST", base, { user: person.user })));
  section.addEventListener("click", async (event) => {
    const row = near(event, "[data-member]");
    const role = near(event, "button[data-role]");
    const remove = near(event, "[data-remove]");
    if (role) doing(() => api("PATCH", `${base}/${row.dataset.member}`, { role: role.dataset.role }));
    if (remove) {
      const who = row.querySelector(".plain").textContent;
      if (await ask({ title: t("remove_title", { who }), text: t("remove_text"), action: t("remove"), danger: true })) doing(() => api("DELETE", `${base}/${row.dataset.member}`));
    }
  });
}
