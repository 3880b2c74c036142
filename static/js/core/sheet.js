// Style sheets of features that are fetched when they are first called for.

/** @type {Map<string, Promise<void>>} */
const asked = new Map();

/** @param {string} name  of a file in `css` @returns {Promise<void>} when it is in force, or can't be had */
export function sheet(name) {
  let ready = asked.get(name);
  if (!ready) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(`../../css/${name}.css`, import.meta.url).href;
    ready = new Promise((done) => {
      link.onload = link.onerror = () => done();
    });
    document.head.append(link);
    asked.set(name, ready);
  }
  return ready;
}
