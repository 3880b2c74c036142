// The stage: the call as one sees it. It takes the place of the conversation, or stands beside it; when one looks at
// another room it becomes small (`strip.js`) and the call goes on.
import { all, el, find, icon, near, tool } from "../../core/dom.js";
import { grid, offset } from "../../core/grid.js";
import { t } from "../../core/text.js";
import { ticking } from "../../core/when.js";
import { choice, choose } from "./choice.js";
import { controls } from "./controls.js";
import { Tiles } from "./tiles.js";
import { roomName } from "./places.js";

/** A link that has had no way for this long isn't just slow. */
const NO_WAY_MS = 20_000;
/** Beside the conversation only where both have room. */
const WIDE = matchMedia("(width >= 64rem)");

/** @param {import("./phone.js").Phone} phone */
export function startStage(phone) {
  phone.app.bus.on("call-in", (call) => new Stage(phone, call));
}

class Stage {
  #phone;
  #call;
  #tiles;
  #root;
  /** @type {string | null} */ #pinned = null;
  /** @type {string | null} who spoke last, by peer */ #last = null;
  #bar;

  /** @param {import("./phone.js").Phone} phone @param {import("./call.js").Call} call */
  constructor(phone, call) {
    this.#phone = phone;
    this.#call = call;
    const { signal } = call;
    const { app } = phone;
    const list = el("ul", { class: "tiles", "aria-label": t("people_in_call") });
    this.#tiles = new Tiles(list);
    this.#bar = controls(phone, call, { chat: () => this.#chat() });
    const room = roomName(call.room);
    this.#root = el(
      "section", { class: "sheet call", id: "stage", tabindex: "-1", role: "main", "aria-label": t("call_in", { room }) },
      el(
        "header", { class: "bar" },
        el("button", { class: "tool phone-only", type: "button", popovertarget: "rooms", "aria-label": t("rooms") }, icon("menu")),
        el("div", { class: "place" }, el("h1", { dir: "auto" }, room), el("p", { class: "live" }, el("span", { class: "lampdot" }), el("time", {}), el("span", { class: "desk-only", "data-what": true }))),
        tool("signal", t("quality"), { "data-do": "quality", "aria-haspopup": "dialog" }),
        tool("grid", t("layout"), { "data-do": "layout", "aria-pressed": "false" }),
        tool("gear", t("call_settings"), { "data-do": "settings", "aria-haspopup": "dialog" }),
        tool("shrink", t("make_small"), { "data-do": "small" }),
      ),
      el("div", { class: "stage" }, list),
      el("div", { class: "notice", role: "status" }),
      this.#bar,
    );
    find("#app").append(this.#root);
    this.#root.addEventListener("click", (/** @type {Event} */ event) => this.#click(event));
    const sizes = new ResizeObserver(() => this.#place());
    sizes.observe(find(".stage", this.#root));
    const ticks = setInterval(() => this.#tick(), 1000);
    for (const event of ["roster", "own", "tie", "quality"]) call.bus.on(event, () => this.draw(), signal);
    call.bus.on("speaking", ({ peer, on }) => this.#speaks(peer, on), signal);
    app.bus.on("stage", (/** @type {boolean} */ on) => this.show(on), signal);
    app.bus.on("stage-pin", (key) => this.#pin(key), signal);
    app.bus.on("shown", () => app.room?.id !== call.room && this.show(false), signal);
    app.bus.on("profile", () => this.draw(), signal);
    app.bus.on("rail-drawn", () => this.#named(), signal);
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      clearInterval(ticks);
      this.show(false);
      this.#root.remove();
    });
    this.show(false);
    this.draw();
    this.#tick();
  }

  /** @param {boolean} on */
  show(on) {
    const app = find("#app");
    const was = app.hasAttribute("data-stage");
    this.#root.hidden = !on;
    if (on) app.setAttribute("data-stage", app.dataset.stage ?? "");
    else app.removeAttribute("data-stage");
    find(".skip")?.setAttribute("href", on ? "#stage" : "#main");
    this.#role();
    if (on === was) return;
    if (on) {
      this.#root.focus({ preventScroll: true });
      this.#place();
    } else find("#main")?.focus({ preventScroll: true });
    this.#phone.app.bus.emit("staged", on);
  }

  draw() {
    const call = this.#call;
    const seen = this.#seen();
    const front = this.#front(seen);
    const alone = seen.length === 1;
    this.#tiles.list.toggleAttribute("data-front", front !== null && !alone);
    this.#tiles.draw(seen, alone ? null : front);
    const what = find("[data-what]", this.#root);
    const sharing = seen.filter(({ kind, own }) => kind === "screen" && !own);
    const words = sharing.length === 1 ? t("is_sharing", { who: sharing[0].name }) : t("people_count", { n: call.roster.people.length });
    if (what.textContent !== words) what.textContent = words;
    find("[data-do=layout]", this.#root).setAttribute("aria-pressed", String(choice().layout === "speaker"));
    this.#notice();
    this.#place();
  }

  /** @returns {import("./tiles.js").Seen[]} */
  #seen() {
    const call = this.#call;
    const { app, media } = this.#phone;
    const name = (/** @type {string} */ user) => {
      const known = app.names.get(user);
      if (!known) app.names.of(user).then((found) => found && this.draw());
      return known ?? t("somebody");
    };
    const people = call.roster.people.flatMap((guest) => {
      const own = guest.peer === call.peer;
      const tie = call.ties.get(guest.peer);
      const state = own ? call.state : guest;
      const tracks = own ? media.sent : (tie?.tracks ?? {});
      const shared = {
        peer: guest.peer, user: guest.user, name: own ? app.me.display : name(guest.user), own, muted: state.muted, deafened: state.deafened,
        hand: own ? call.hand !== null : guest.hand !== null, speaking: own ? call.speaking : (tie?.speech.speaking ?? false), grade: tie?.quality?.grade ?? null,
      };
      /** @type {import("./tiles.js").Seen[]} */
      const tiles = [{ ...shared, key: `person:${guest.peer}`, kind: "person", video: state.camera ? (tracks.camera ?? null) : null, state: own ? "" : this.#trouble(guest, tie) }];
      if (state.shares.length) tiles.push({ ...shared, key: `screen:${guest.peer}`, kind: "screen", video: tracks.screen ?? null, state: "" });
      return tiles;
    });
    const rung = call.roster.rings.map(({ user, state }) => /** @type {import("./tiles.js").Seen} */ ({
      key: `rung:${user}`, kind: "rung", peer: "", user, name: name(user), own: false, video: null, muted: false, deafened: false, hand: false, speaking: false, grade: null,
      state: t(RINGS[state] ?? "rings"),
    }));
    return [...people, ...rung];
  }

  /** @param {import("../../core/rosters.js").Guest} guest @param {import("./call.js").Tie | undefined} tie */
  #trouble(guest, tie) {
    if (guest.away) return t("reconnecting");
    if (!tie || tie.lostAt === null) return "";
    if (tie.link.state === "connecting" && tie.link.generation === 1) return t("connecting");
    return performance.now() - tie.lostAt > NO_WAY_MS ? t(this.#call.relay ? "no_way_relay" : "no_way") : t("reconnecting");
  }

  /** Which tile is large, if one is. @param {import("./tiles.js").Seen[]} seen @returns {string | null} */
  #front(seen) {
    if (seen.some(({ key }) => key === this.#pinned)) return this.#pinned;
    this.#pinned = null;
    const screens = seen.filter(({ kind }) => kind === "screen");
    const screen = screens.filter(({ own }) => !own).at(-1) ?? screens.at(-1);
    if (screen) return screen.key;
    if (choice().layout !== "speaker") return null;
    const others = seen.filter(({ own, kind }) => !own && kind === "person");
    return (others.find(({ peer }) => peer === this.#last) ?? others[0])?.key ?? null;
  }

  /** Puts the tiles where they have most room. */
  #place() {
    const { list } = this.#tiles;
    if (this.#root.hidden) return;
    const box = find(".stage", this.#root).getBoundingClientRect();
    const tiles = /** @type {HTMLElement[]} */ ([...list.children]).sort((a, b) => Number(a.style.order) - Number(b.style.order));
    const shape = grid(tiles.length || 1, box.width, box.height);
    list.style.setProperty("--columns", String(shape.columns));
    list.style.setProperty("--rows", String(shape.rows));
    list.style.setProperty("--beside", String(Math.max(4, tiles.length - 1)));
    list.style.setProperty("--below", String(Math.ceil((tiles.length - 1) / 2)));
    const front = list.hasAttribute("data-front");
    tiles.forEach((tile, i) => {
      const first = front ? null : offset(i, shape);
      if (first === null) tile.style.removeProperty("grid-column");
      else tile.style.setProperty("grid-column", `${first} / span 2`);
    });
  }

  #notice() {
    const call = this.#call;
    const box = find(".notice", this.#root);
    const rung = call.roster.rings.filter(({ state }) => state !== "ringing");
    const key = [this.#call.silenced, ...rung.map(({ user, state }) => user + state)].join(" ");
    if (box.dataset.is === key) return;
    box.dataset.is = key;
    box.replaceChildren();
    if (call.silenced) {
      const listen = el("button", { class: "button small", type: "button" }, t("hear_them"));
      listen.addEventListener("click", () => {
        call.listen();
        this.#notice();
      });
      box.append(el("p", {}, t("sound_blocked"), " ", listen));
    }
    for (const { user, state } of rung) {
      const again = el("button", { class: "button small", type: "button" }, t("ring_again"));
      again.addEventListener("click", () => this.#phone.ring(user));
      const who = this.#phone.app.names.get(user) ?? t("somebody");
      box.append(el("p", {}, t(TOLD[state] ?? "call_missed_by", { who }), " ", again));
    }
  }

  /** @param {string} peer @param {boolean} on */
  #speaks(peer, on) {
    this.#tiles.speak(peer, on);
    if (!on || peer === this.#call.peer || peer === this.#last) return;
    this.#last = peer;
    if (choice().layout === "speaker") this.draw();
  }

  /** @param {Event} event */
  async #click(event) {
    const menu = near(event, "[data-tile-menu]");
    if (menu) {
      const { tileMenu } = await import("./tilemenu.js");
      tileMenu(this.#phone, this.#call, menu, this.#pinned);
      return;
    }
    const what = near(event, "[data-do]")?.dataset.do;
    if (what === "small") this.show(false);
    else if (what === "layout") this.#layout();
    else if (what === "settings") (await import("./options.js")).settings(this.#phone);
    else if (what === "quality") (await import("./quality.js")).qualityPanel(this.#phone, this.#call);
  }

  #layout() {
    choose({ layout: choice().layout === "grid" ? "speaker" : "grid" });
    this.#pinned = null;
    this.draw();
  }

  /** @param {string} key */
  #pin(key) {
    this.#pinned = this.#pinned === key ? null : key;
    this.draw();
  }

  /** The conversation beside the call, where there is room; else instead of it. */
  #chat() {
    const { app } = this.#phone;
    const root = find("#app");
    if (app.room?.id !== this.#call.room) app.bus.emit("open", { room: this.#call.room });
    if (!WIDE.matches) {
      this.show(false);
      return;
    }
    root.setAttribute("data-stage", root.dataset.stage === "chat" ? "" : "chat");
    this.#role();
    this.#place();
  }

  /** Of two that show, the conversation is what the page is about. */
  #role() {
    const beside = find("#app").dataset.stage === "chat" && WIDE.matches;
    this.#root.setAttribute("role", beside ? "region" : "main");
    for (const button of all("[data-do=chat]", this.#bar)) button.setAttribute("aria-pressed", String(beside));
  }

  #named() {
    const room = roomName(this.#call.room);
    find("h1", this.#root).textContent = room;
    this.#root.setAttribute("aria-label", t("call_in", { room }));
  }

  #tick() {
    find(".live time", this.#root).textContent = ticking(Date.now() - this.#call.roster.at);
    if ([...this.#call.ties.values()].some(({ lostAt }) => lostAt !== null)) this.draw();
  }
}

/** @type {Record<string, string>} */
const RINGS = { ringing: "rings", declined: "ring_declined", busy: "ring_busy", missed: "ring_missed" };
/** @type {Record<string, string>} */
const TOLD = { declined: "call_declined_by", busy: "call_busy_by", missed: "call_missed_by" };
