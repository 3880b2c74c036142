// Microphone and hearing beside one's own name in the rail, while one is in a call.
import { find } from "../../core/dom.js";
import { fewControls } from "./controls.js";

/** @param {import("./phone.js").Phone} phone */
export function startOwnTools(phone) {
  phone.app.bus.on("call-in", (call) => {
    const row = fewControls(phone, call, ["mute", "deafen"]);
    row.className = "own-tools";
    row.lastElementChild?.classList.add("deafen");
    find(".me .who")?.after(row);
    call.signal.addEventListener("abort", () => row.remove());
  });
}
