// Who is typing here, and telling the others that we are.
import { el } from "../core/dom.js";
import { parts, t } from "../core/text.js";

/** The server counts one notice in 3 s; a notice is shown for 5 s. */
const TELL_EVERY_MS = 3000;
const SHOW_MS = 5000;

/** @param {import("./room.js").Room} room */
export function startTyping(room) {
  const { app, signal } = room;
  const box = /** @type {HTMLElement} */ (room.main.querySelector("#typing"));
  /** @type {Map<string, any>} */
  const who = new Map();
  let told = 0;

  const bold = (/** @type {string} */ user) => el("b", {}, el("bdi", {}, app.names.get(user) ?? t("somebody")));
  const draw = () => {
    const users = [...who.keys()];
    if (!users.length) {
      box.replaceChildren();
      return;
    }
    const beats = el("span", { class: "beats", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    const places = /** @type {Record<string, Node | string>} */ ({ a: bold(users[0]), b: users[1] ? bold(users[1]) : "" });
    const key = users.length === 1 ? "typing_one" : users.length === 2 ? "typing_two" : "typing_many";
    box.replaceChildren(beats, el("span", {}, ...parts(key, places)));
  };
  const stop = (/** @type {string} */ user) => {
    clearTimeout(who.get(user));
    if (who.delete(user)) draw();
  };

  app.bus.on("typing", async ({ room: id, user }) => {
    if (id !== room.id || user === app.me.id) return;
    await app.names.of(user);
    if (signal.aborted) return;
    clearTimeout(who.get(user));
    who.set(user, setTimeout(() => stop(user), SHOW_MS));
    draw();
  }, signal);
  app.bus.on("posted", (frame) => stop(frame.author), signal);
  app.bus.on("connection", ({ state }) => state !== "open" && [...who.keys()].forEach(stop), signal);
  app.bus.on("composed", ({ text }) => {
    const now = Date.now();
    if (!text.trim() || now - told < TELL_EVERY_MS || document.activeElement?.id !== "text") return;
    if (app.connection.send({ type: "typing", room: room.id })) told = now;
  }, signal);
  app.bus.on("sent", () => (told = 0), signal);
}
