// Code in quiet colours: enough of a language's look to read by, for the usual ones.

const WORDS = {
  c: "auto break case char const continue default do double else enum extern float for if int long return short signed sizeof static struct switch typedef union unsigned void while class public private protected template typename namespace using new delete this nullptr true false override virtual",
  js: "async await break case catch class const continue default delete do else export extends false finally for from function if import in instanceof let new null of return static super switch this throw true try typeof undefined var void while with yield interface type implements enum",
  py: "and as assert async await break class continue def del elif else except False finally for from global if import in is lambda None nonlocal not or pass raise return True try while with yield self match case",
  rs: "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while",
  go: "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var nil true false",
  sh: "if then else elif fi for in do done while case esac function return export local set unset echo exit",
  sql: "select from where insert into values update set delete create table index drop alter join left right inner outer on group by order limit and or not null is as distinct having union primary key",
};
const LIKE = /** @type {Record<string, keyof typeof WORDS>} */ ({
  c: "c", cpp: "c", "c++": "c", h: "c", java: "c", cs: "c", csharp: "c", kotlin: "c", swift: "c",
  js: "js", javascript: "js", ts: "js", typescript: "js", jsx: "js", tsx: "js", json: "js", mjs: "js",
  py: "py", python: "py", rb: "py", ruby: "py", rs: "rs", rust: "rs", go: "go", golang: "go",
  sh: "sh", bash: "sh", shell: "sh", zsh: "sh", console: "sh", yaml: "sh", yml: "sh", toml: "sh", sql: "sql",
});
/** Longer than this is left plain. */
const AT_MOST = 8000;
const HASH = new Set(["py", "sh"]);

/** @param {Element} code @param {string} name */
export function paint(code, name) {
  const like = LIKE[name.toLowerCase()];
  const source = code.textContent ?? "";
  if (!like || source.length > AT_MOST) return;
  const words = new Set(WORDS[like].split(" "));
  const comment = HASH.has(like) ? "#[^\\n]*" : like === "sql" ? "--[^\\n]*" : "//[^\\n]*|/\\*[\\s\\S]*?\\*/";
  const token = new RegExp(`(?<c>${comment})|(?<s>"(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*'|\`(?:\\\\.|[^\`\\\\])*\`)|(?<w>[A-Za-z_]\\w*)(?<f>(?=\\())?`, "g");
  const out = document.createDocumentFragment();
  let done = 0;
  for (const found of source.matchAll(token)) {
    const { c, s, w, f } = found.groups ?? {};
    const known = w && words.has(like === "sql" ? w.toLowerCase() : w);
    const kind = c ? "c" : s ? "s" : known ? "k" : f !== undefined ? "f" : "";
    if (!kind) continue;
    out.append(source.slice(done, found.index));
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = found[0];
    out.append(span);
    done = found.index + found[0].length;
  }
  out.append(source.slice(done));
  code.replaceChildren(out);
}
