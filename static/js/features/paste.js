// Code that is pasted stays code: what comes from an editor, or from a page's code, gets a fence around it.

/** @typedef {{ getData(type: string): string }} Clipboard */

/**
 * The language of copied code; empty when it isn't known, null when it isn't code.
 * @param {Clipboard} data @returns {string | null}
 */
export function languageOf(data) {
  const editor = data.getData("vscode-editor-data");
  if (editor) {
    try {
      const { mode } = JSON.parse(editor);
      if (mode === "markdown" || mode === "plaintext") return null;
      return typeof mode === "string" && /^[\w+#-]{1,20}$/.test(mode) ? mode : "";
    } catch {
      return "";
    }
  }
  const html = data.getData("text/html").replace(/<!--.*?-->|<\/?(html|body|meta)\b[^>]*>/gis, "").trim();
  if (!/^<(pre|code)\b/i.test(html) || !/<\/(pre|code)>$/i.test(html)) return null;
  return /\blang(?:uage)?-([\w+#-]{1,20})/i.exec(html)?.[1] ?? "";
}

/** Text between fences that it doesn't hold itself. @param {string} text @param {string} language */
export function fenced(text, language) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n+$/, "")}\n${fence}\n`;
}

/** @param {import("./composer.js").Composer} composer */
export function startPaste(composer) {
  const { field, room } = composer;
  field.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    const text = data?.getData("text/plain").replaceAll("\r\n", "\n") ?? "";
    if (!data || !text.trim().includes("\n") || composer.inCode) return;
    const language = languageOf(data);
    if (language === null) return;
    event.preventDefault();
    const begun = /[^\n]$/.test(field.value.slice(0, field.selectionStart));
    composer.insert((begun ? "\n" : "") + fenced(text, language));
  }, { signal: room.signal });
}
