import { test } from "node:test";
import assert from "node:assert/strict";
import { fenced, languageOf } from "../../static/js/features/paste.js";

const copied = (kinds) => ({ getData: (type) => kinds[type] ?? "" });

test("what comes from an editor is code of its language", () => {
  assert.equal(languageOf(copied({ "vscode-editor-data": '{"mode":"rust"}' })), "rust");
  assert.equal(languageOf(copied({ "vscode-editor-data": "not JSON" })), "");
  assert.equal(languageOf(copied({ "vscode-editor-data": '{"mode":"a b\\n```"}' })), "");
  assert.equal(languageOf(copied({ "vscode-editor-data": '{"mode":"markdown"}' })), null);
});

test("of a page, only what is code as a whole is code", () => {
  const html = (text) => languageOf(copied({ "text/html": text }));
  assert.equal(html('<meta charset="utf-8"><pre><code class="language-js">a</code></pre>'), "js");
  assert.equal(html("<html><body><!--StartFragment--><pre>a</pre><!--EndFragment--></body></html>"), "");
  assert.equal(html("<p>words <code>a</code></p>"), null);
  assert.equal(html(""), null);
});

test("a fence is longer than any within", () => {
  assert.equal(fenced("a\nb\n\n", "js"), "```js\na\nb\n```\n");
  assert.equal(fenced("```\na\n```", ""), "````\n```\na\n```\n````\n");
});
