// The ways by which files come in: the button, a paste, a drop, the microphone. What happens with them is fetched then.
import { el, find, icon, near } from "../core/dom.js";
import { t } from "../core/text.js";

/** @param {import("./composer.js").Composer} composer */
export function startAttaching(composer) {
  const { room, form, app } = composer;
  const { signal } = room;
  const input = /** @type {HTMLInputElement} */ (find("#pick", form));
  const menu = find("#attach-menu", form);

  const hand = async (/** @type {Iterable<File>} */ list) => {
    const files = [...list];
    if (!files.length) return;
    const { trayFor } = await import("./tray.js");
    trayFor(composer).add(files);
  };
  const pick = (/** @type {string} */ what) => {
    input.accept = what === "camera" ? "image/*" : what === "gallery" ? "image/*,video/*" : "";
    input.toggleAttribute("capture", what === "camera");
    input.click();
  };

  find("#attach", form).addEventListener("click", () => {
    if (matchMedia("(pointer: coarse)").matches) menu.showPopover();
    else pick("files");
  }, { signal });
  menu.addEventListener("click", (/** @type {Event} */ event) => {
    const button = near(event, "[data-pick]");
    if (!button) return;
    menu.hidePopover();
    pick(button.dataset.pick);
  }, { signal });
  input.addEventListener("change", () => {
    hand(input.files ?? []);
    input.value = "";
  }, { signal });
  composer.field.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    // Text that was copied from a document brings a picture of itself along: it is meant as text.
    if (!files?.length || event.clipboardData?.types.includes("text/plain")) return;
    event.preventDefault();
    hand(files);
  }, { signal });
  dropping(room, hand);
  find("#record", form).addEventListener("click", async () => {
    const { record } = await import("./recorder.js");
    if (!signal.aborted) record(composer);
  }, { signal });
  // Files that wait here already, since before one went elsewhere or loaded the page anew.
  if (app.trays.has(room.id) || localStorage.getItem(`parlor.tray.${app.me.id}.${room.id}`)) import("./tray.js").then(({ trayFor }) => signal.aborted || trayFor(composer));
}

/** @param {import("./room.js").Room} room @param {(files: Iterable<File>) => void} hand */
function dropping({ main, signal }, hand) {
  const target = el("div", { class: "drop", hidden: true }, icon("download", "large"), el("b", {}, t("drop_here")));
  main.append(target);
  const held = (/** @type {DragEvent} */ event) => !!event.dataTransfer?.types.includes("Files");
  main.addEventListener("dragenter", (event) => held(event) && (target.hidden = false), { signal });
  main.addEventListener("dragover", (event) => held(event) && event.preventDefault(), { signal });
  main.addEventListener("dragleave", (event) => {
    if (!main.contains(/** @type {Node | null} */ (event.relatedTarget))) target.hidden = true;
  }, { signal });
  main.addEventListener("drop", (event) => {
    if (!held(event)) return;
    event.preventDefault();
    target.hidden = true;
    hand(event.dataTransfer?.files ?? []);
  }, { signal });
}
