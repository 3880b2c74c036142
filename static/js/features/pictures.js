// The picture of a person or a room: chosen, cut, put up, taken away.
import { all, find } from "../core/dom.js";
import { api, Refused } from "../core/api.js";
import { reface } from "../core/face.js";
import { say, t } from "../core/text.js";
import { toast } from "./toasts.js";

/** @param {ParentNode} root */
export function startPictures(root) {
  for (const section of all("[data-picture-at]", root)) start(section);
}

/** @param {HTMLElement} section */
function start(section) {
  const { pictureAt = "", name = "" } = section.dataset;
  const input = /** @type {HTMLInputElement} */ (find("input[type=file]", section));
  const away = /** @type {HTMLButtonElement} */ (find("[data-take-away]", section));
  const choose = /** @type {HTMLButtonElement} */ (find("[data-choose]", section));
  const show = (/** @type {string | null} */ id) => {
    away.hidden = !id;
    for (const box of [find(".avatar", section), ...(section.dataset.also ? all(section.dataset.also) : [])]) reface(box, id, name);
  };
  const doing = async (/** @type {() => Promise<any>} */ what) => {
    section.inert = true;
    try {
      const answer = await what();
      if (answer === null) return;
      show(answer?.picture?.id ?? null);
      toast(t("saved"));
    } catch (error) {
      toast(say(error));
    } finally {
      section.inert = false;
      choose.focus();
    }
  };
  choose.addEventListener("click", () => input.click());
  const chosen = () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) return;
    doing(async () => {
      const { crop } = await import("./cropper.js");
      section.inert = false;
      const square = await crop(file).catch(() => {
        throw new Refused(422, { code: "not_a_picture" });
      });
      return square && api("PUT", pictureAt, square);
    });
  };
  input.addEventListener("change", chosen);
  // Chosen before the script was there.
  chosen();
  away.addEventListener("click", () => doing(async () => (await api("DELETE", pictureAt)) ?? {}));
}
