// The ways into a talk, wherever they stand: a person's card, a direct message, joining a room.
import { near } from "../core/dom.js";
import { api } from "../core/api.js";
import { say } from "../core/text.js";
import { toast } from "./toasts.js";

/** @param {import("./app.js").App} app */
export function startTalks(app) {
  const doing = async (/** @type {HTMLButtonElement} */ button, /** @type {() => Promise<void>} */ what) => {
    button.disabled = true;
    try {
      await what();
    } catch (error) {
      toast(say(error));
    }
    button.disabled = false;
  };

  document.addEventListener("click", (event) => {
    const direct = near(event, "[data-direct]");
    const join = near(event, "[data-join]");
    const person = near(event, "button[data-person], .avatar[data-person], .mention[data-person]");
    if (direct) {
      doing(direct, async () => {
        const { room } = await api("POST", "/api/rooms", { kind: "direct", people: [direct.dataset.direct] });
        near(event, ":popover-open")?.hidePopover();
        app.bus.emit("open", { room });
      });
    } else if (join) {
      doing(join, async () => {
        await api("POST", `/api/rooms/${join.dataset.join}/join`);
        app.bus.emit("open", { room: join.dataset.join });
        app.bus.emit("rail");
      });
    } else if (person && !near(event, ".namecard")) {
      app.bus.emit("card", { user: person.dataset.person, at: person.getBoundingClientRect() });
    }
  });
}
