// Before anything is painted: the appearance that this browser keeps. The one classic script, so that it blocks.
(function () {
  try {
    const kept = JSON.parse(localStorage.getItem("parlor.appearance") || "{}");
    const root = document.documentElement;
    for (const name of ["scheme", "contrast", "density"]) {
      if (typeof kept[name] === "string" && kept[name]) root.dataset[name] = kept[name];
    }
    for (const name of ["rail", "side"]) {
      if (typeof kept[name] === "number") root.style.setProperty("--" + name, kept[name] + "px");
    }
    if (kept.people === false) root.dataset.noPeople = "";
  } catch {
    // Nothing is kept, or nothing may be read: as the system has it.
  }
})();
