// The page of those who are signed in. Each feature starts itself; they meet on the app's bus.
import { near, find } from "./core/dom.js";
import { translate } from "./core/text.js";
import { fillTimes } from "./core/when.js";
import { App } from "./features/app.js";
import { startAnnouncing } from "./features/announce.js";
import { startBanner } from "./features/banner.js";
import { startCards } from "./features/card.js";
import { shortcuts } from "./features/dialogs.js";
import { startMoving } from "./features/moving.js";
import { startPanels } from "./features/panels.js";
import { tellRefusals } from "./features/pending.js";
import { startPresence } from "./features/people.js";
import { startPicker } from "./features/picker.js";
import { startRail } from "./features/rail.js";
import { startSwitcher } from "./features/switcher.js";

translate(document);
fillTimes(document);
const app = new App(document.body);
startRail(app);
startBanner(app);
startAnnouncing(app);
startPresence(app);
startPicker(app);
startCards(app);
startSwitcher(app);
startPanels(app);
tellRefusals(app);
startMoving(app);
app.connection.connect();

document.addEventListener("click", (event) => {
  const opener = near(event, "[data-open]");
  if (!opener) return;
  const menu = find("#server-menu");
  if (menu?.matches(":popover-open")) menu.hidePopover();
  if (opener.dataset.open === "shortcuts") shortcuts();
  else app.bus.emit(opener.dataset.open);
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    app.bus.emit("switcher");
  } else if (event.key === "?" && !event.ctrlKey && !event.metaKey && !near(event, "input, textarea, dialog")) shortcuts();
});
