// Older and newer pages as the reader nears an end; the jump to the newest line; links to a message.
import { near, find, icon } from "../core/dom.js";
import { t } from "../core/text.js";
import { moment } from "../core/when.js";
import { toast } from "./toasts.js";

/** So near to an end the next page is fetched, in pixels. */
const AHEAD = 1200;

/** @param {import("./room.js").Room} room */
export function startHistory(room) {
  const { app, timeline, signal } = room;
  const { box, place } = timeline;
  const jump = /** @type {HTMLButtonElement | null} */ (find("#jump", room.main));
  let busy = false;
  let below = 0;
  /** The answer that somebody jumped from to what it answers. */
  let from = 0;

  const load = async (/** @type {"start" | "end"} */ end) => {
    busy = true;
    try {
      const [where, seq] = end === "start" ? /** @type {const} */ (["before", timeline.first]) : /** @type {const} */ (["after", timeline.last]);
      await timeline.loading(() => room.page(where, seq), (page) => signal.aborted || timeline.extend(page, end));
    } catch {
      // Offline, most likely: the banner says so. Scrolling on tries again.
    }
    busy = false;
    if (!signal.aborted) scrolled();
  };

  const scrolled = () => {
    const { start, end } = place.distance;
    if (place.atEnd && !timeline.moreAfter) below = 0;
    const answer = from ? timeline.line(from) : undefined;
    if (answer && place.sees(answer)) from = 0;
    draw();
    if (busy || timeline.size === 0 || !app.open) return;
    if (timeline.moreAfter && end < AHEAD) load("end");
    else if (timeline.moreBefore && start < AHEAD) load("start");
  };

  const draw = () => {
    if (!jump) return;
    if (from) {
      jump.hidden = false;
      jump.replaceChildren(icon("reply", "small"), t("jump_back"));
      return;
    }
    jump.hidden = place.distance.end < box.clientHeight / 2 && !timeline.moreAfter && below === 0;
    jump.replaceChildren(icon("down", "small"), below ? t("jump_new", { n: below }) : t("jump"));
  };

  const newest = async () => {
    if (timeline.moreAfter) await show(() => room.page("before", app.unread.of(room.id).seq + 1));
    place.toEnd();
    scrolled();
  };

  const show = (/** @type {() => Promise<DocumentFragment>} */ get) =>
    timeline.loading(get, (page) => signal.aborted || timeline.replace(page)).catch(() => toast(t("not_loaded")));

  const go = async (/** @type {number} */ seq) => {
    if (!timeline.line(seq)) await show(() => room.page("around", seq));
    const line = timeline.line(seq);
    if (!line) {
      toast(t("no_such_message"));
      return;
    }
    place.show(line);
    line.dataset.found = "";
    line.focus({ preventScroll: true });
    setTimeout(() => delete line.dataset.found, 2500);
    scrolled();
  };

  box.addEventListener("scroll", scrolled, { passive: true, signal });
  const back = () => {
    const to = from;
    from = 0;
    if (to) go(to);
    else newest();
  };
  jump?.addEventListener("click", back, { signal });
  app.bus.on("newest", () => {
    from = 0;
    newest();
  }, signal);
  app.bus.on("go", ({ room: id, seq }) => id === room.id && go(seq), signal);
  app.bus.on("posted", (frame) => {
    if (frame.author === app.me.id && place.distance.end > 0) newest();
    else if (!place.atEnd || timeline.moreAfter) below += 1;
    draw();
  }, signal);
  app.bus.on("connection", ({ state }) => state === "open" && scrolled(), signal);
  box.addEventListener("click", (event) => {
    const quoted = near(event, "a[data-reply]");
    if (!quoted || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    from = Number(near(event, "li[data-seq]")?.dataset.seq ?? 0);
    go(Number(quoted.dataset.reply));
  }, { signal });

  begin();

  /** At the message of the link, else at the first unread one, else at the newest. */
  async function begin() {
    const last = app.unread.of(room.id).seq;
    if (room.joined && last > room.readBefore && !room.at) {
      if (timeline.moreBefore && timeline.first > room.readBefore + 1) await show(() => room.page("around", room.readBefore + 1));
      const first = /** @type {HTMLElement | undefined} */ ([...timeline.log.querySelectorAll("li[data-seq]")].find((li) => {
        const { seq, author } = /** @type {HTMLElement} */ (li).dataset;
        return Number(seq) > room.readBefore && author !== app.me.id;
      }));
      if (first && !signal.aborted) {
        const seq = Number(first.dataset.seq);
        timeline.freshFrom(seq, t("since", { n: last - seq + 1, at: moment(Number(first.dataset.at)) }));
        const fresh = find("#fresh", box);
        if (fresh && !place.sees(fresh)) place.show(fresh);
      }
    }
    if (room.at) go(room.at);
    else requestAnimationFrame(scrolled);
  }
}
