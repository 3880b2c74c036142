import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { strings as en } from "../../static/js/strings/en.js";
import { page, strings as de } from "../../static/js/strings/de.js";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");
const files = (folder, end) => readdirSync(new URL(folder, root), { recursive: true }).filter((name) => name.endsWith(end)).map((name) => `${folder}/${name}`);
const scripts = files("static/js", ".js").filter((path) => !/\/(strings|emoji)\//.test(path));

test("both languages say the same things", () => {
  assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
  const places = (text) => (JSON.stringify(text).match(/\{\w+\}/g) ?? []).sort().filter((one, i, all) => one !== all[i - 1]);
  for (const key of Object.keys(en)) assert.deepEqual(places(de[key]), places(en[key]), key);
});

test("every word that script asks for is there, and none in vain", () => {
  const source = scripts.map(read).join("\n");
  const asked = [...source.matchAll(/\bt\("(\w+)"/g)].map(([, key]) => key);
  for (const key of asked) assert.ok(key in en, key);
  for (const key of Object.keys(en)) assert.ok(source.includes(`"${key}"`) || /^(line|banner|key|error|upload)_/.test(key), `${key} is never said`);
});

test("every code that the API may answer is said in both languages", () => {
  const rows = [...read("docs/api.md").matchAll(/^\| \d{3} \| (.*) \|$/gm)].map(([, codes]) => codes.replace(/\(.*?\)/g, ""));
  const codes = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, code]) => code));
  assert.ok(codes.length > 20, "the table of codes");
  for (const said of [en, de]) {
    for (const code of codes) assert.ok(said[`error_${code}`]?.length > 5, code);
    const exact = codes.flatMap((code) => Object.keys(said).filter((key) => key.startsWith(`error_${code}`)));
    assert.deepEqual(Object.keys(said).filter((key) => key.startsWith("error_") && !exact.includes(key)), [], "none in vain");
  }
});

/** The API's page is for programmers, in English. */
const spoken = files("templates", ".html").filter((path) => !path.endsWith("/api.html"));

test("everything that templates say is there in German", () => {
  for (const path of spoken) {
    const source = read(path);
    for (const [, inner] of source.matchAll(/<\w+[^>]* data-t>(.*?)<\//gs)) {
      for (const part of inner.split(/\{%.*?%\}/)) {
        const words = part.trim();
        if (words && !words.includes("{{")) assert.ok(words in page, `${path}: ${words}`);
      }
    }
    for (const [, words] of source.matchAll(/\b(?:aria-label|title|placeholder)="([^"{]+)"/g)) {
      assert.ok(words in page || words === "Parlor", `${path}: ${words}`);
    }
  }
});

test("style sheets are whole", () => {
  for (const path of files("static/css", ".css")) {
    const bare = read(path).replace(/\/\*[^]*?\*\//g, "").replace(/"[^"]*"/g, "");
    assert.equal(bare.split("{").length, bare.split("}").length, path);
  }
});

test("nothing of the page is written inline, and markup comes in at one place alone", () => {
  for (const path of files("templates", ".html")) {
    const source = read(path);
    assert.doesNotMatch(source, /\sstyle=|<style|\son\w+=|javascript:/i, path);
    assert.doesNotMatch(source, /<script(?![^>]*\ssrc=)/, path);
  }
  for (const path of scripts) {
    const source = read(path);
    if (!path.endsWith("core/api.js")) assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/, path);
  }
});

test("files are short enough to read", () => {
  for (const path of [...scripts, ...files("static/css", ".css")]) assert.ok(read(path).split("\n").length <= 300, path);
});
