// The page of those who are signed in. Each feature starts itself; they meet on the app's bus.
import { appearance, setAppearance } from "./core/appearance.js";
import { all, near, find } from "./core/dom.js";
import { translate } from "./core/text.js";
import { fillTimes } from "./core/when.js";
import { onFirst } from "./core/lazy.js";
import { App } from "./features/app.js";
import { startAnnouncing } from "./features/announce.js";
import { startBanner } from "./features/banner.js";
import { startCalls } from "./features/calls/start.js";
import { startInstalled, startLeaving } from "./features/installed.js";
import { startMoving } from "./features/moving.js";
import { tellRefusals } from "./features/pending.js";
import { startPresence } from "./features/people.js";
import { startRail } from "./features/rail.js";
import { startSplitters } from "./features/splitters.js";
import { startStatuses } from "./features/statuses.js";
import { startTalks } from "./features/talks.js";

translate(document);
fillTimes(document);
const app = new App(document.body);
startRail(app);
startBanner(app);
startAnnouncing(app);
startPresence(app);
startTalks(app);
startCalls(app);
startStatuses(app);
startSplitters(app);
onFirst(app.bus, "pick", async () => (await import("./features/picker.js")).startPicker(app));
onFirst(app.bus, "card", async () => (await import("./features/card.js")).startCards(app));
onFirst(app.bus, "files", async () => (await import("./features/shelf.js")).startShelf(app));
app.bus.on("status-form", async () => (await import("./features/status.js")).askStatus(app));
onFirst(app.bus, "switcher", async () => (await import("./features/switcher.js")).startSwitcher(app));
const side = () => {
  const off = appearance().people === false;
  document.documentElement.toggleAttribute("data-no-people", off);
  find("[data-open='people-side']")?.setAttribute("aria-pressed", String(!off));
};
app.bus.on("shown", side);
app.bus.on("people-side", () => {
  setAppearance({ people: appearance().people === false });
  side();
});
app.bus.on("shortcuts", async () => (await import("./features/dialogs.js")).shortcuts());
if (find(".settings")) import("./features/panels.js").then(({ startPanels }) => startPanels(app));
tellRefusals(app);
app.connection.connect();
// In two strides, so that the page answers in between.
await new Promise((done) => setTimeout(done));
startMoving(app);
startLeaving();
startInstalled();

document.addEventListener("click", async (event) => {
  const picture = near(event, "#timeline a.image");
  if (picture && !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    (await import("./features/lightbox.js")).lightbox(all("#timeline a.image"), picture);
    return;
  }
  const opener = near(event, "[data-open]");
  if (!opener) return;
  const menu = find("#server-menu");
  if (menu?.matches(":popover-open")) menu.hidePopover();
  app.bus.emit(opener.dataset.open);
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    app.bus.emit("switcher");
  } else if (event.key === "?" && !event.ctrlKey && !event.metaKey && !near(event, "input, textarea, dialog")) app.bus.emit("shortcuts");
});
