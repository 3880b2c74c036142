// Before anything is painted: the appearance that this browser keeps. The one classic script, so that it blocks.
(function () {
  try {
    const kept = JSON.parse(localStorage.getItem("parlor.appearance") || "{}");
    for (const name of ["scheme", "contrast", "density"]) {
      if (typeof kept[name] === "string" && kept[name]) document.documentElement.dataset[name] = kept[name];
    }
  } catch {
    // Nothing is kept, or nothing may be read: as the system has it.
  }
})();
