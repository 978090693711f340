"use strict";
// What stands in a page is only ever read as text; nothing is written as markup.
const $ = (id) => document.getElementById(id);
const root = document.documentElement, about = document.body.dataset;
const articles = [...document.querySelectorAll("article")];
const store = `qingwen-review:${about.dataset}:${about.run}`;
const AROUND = 20;
let here = -1, chosen = null;

function remember(name, value) {
  try { localStorage.setItem(name, value); } catch { /* a browser may forbid it: marks then last as long as the page */ }
}
function remembered(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}
function say(words) { $("said").textContent = words; }

// The text of an element as the page had it: without what changes wrote, unseen characters as they were.
function original(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeName === "INS") return "";
  if (node.dataset?.x) return JSON.parse(node.dataset.x);
  return [...node.childNodes].map(original).join("");
}
function blocksOf(article) { return [...article.querySelectorAll(".original .b")]; }
function isTitle(block) { return block.dataset.label === "title"; }
// The text of the part (title or body) that a kept block belongs to, as it was before any change.
function partOf(article, title) {
  return blocksOf(article).filter((b) => b.matches(".kept") && isTitle(b) === title).map(original).join("");
}

// Decisions and marks.
function keyOf(element) {
  const article = element.closest("article"), page = article.dataset.page;
  if (element.matches(".reject")) return `${page}:page`;
  if (element.matches(".b")) return `${page}:block:${element.dataset.n}`;
  return `${page}:edit:${[...article.querySelectorAll(".e")].indexOf(element)}`;
}
function caseOf(element) {
  const article = element.closest("article"), page = article.dataset.page;
  if (element.matches(".reject")) return { kind: "rejection", page, rule: element.dataset.rule };
  const block = element.closest(".b");
  if (element === block) {
    const { n, rule, label } = block.dataset;
    return { kind: "verdict", page, block: Number(n), rule, label, text: original(block),
      wrong: block.matches(".kept") ? "kept" : "removed" };
  }
  const part = isTitle(block) ? "title" : "body";
  const mine = blocksOf(article).filter((b) => b.matches(".kept") && isTitle(b) === isTitle(block));
  const left = mine.slice(0, mine.indexOf(block)).map(original).join("") + before(block, element);
  const text = mine.map(original).join("");
  const was = original(element);
  return { kind: "edit", page, part, rule: element.title, before: was, after: inside(afterOf(element)),
    left: [...left].slice(-AROUND).join(""), right: [...text.slice(left.length + was.length)].slice(0, AROUND).join("") };
}
function before(block, element) {
  let text = "";
  for (const child of block.childNodes) {
    if (child === element) break;
    text += original(child);
  }
  return text;
}
// What a change wrote: the element behind its own, or its own where nothing stood there before.
function afterOf(element) {
  if (element.matches("ins")) return element;
  return element.nextSibling?.nodeName === "INS" && !element.nextSibling.matches(".e") ? element.nextSibling : null;
}
function inside(ins) { return ins ? [...ins.childNodes].map(original).join("") : ""; }

let marks = {};
try { marks = JSON.parse(remembered(store)) ?? {}; } catch { marks = {}; }

function markable(element) {
  return element && (element.matches(".reject") || element.closest(".b")?.dataset.n !== undefined)
    && !element.matches(".unkept");
}
function showMarks() {
  const n = Object.keys(marks).length;
  $("marked").textContent = n;
  $("export").disabled = n === 0;
}
function toggleMark() {
  if (!markable(chosen)) return say("Choose a decision first: n, or b.");
  const key = keyOf(chosen), on = !(key in marks);
  if (on) marks[key] = caseOf(chosen); else delete marks[key];
  chosen.classList.toggle("wrong", on);
  $("mark").setAttribute("aria-pressed", on);
  remember(store, JSON.stringify(marks));
  showMarks();
  say(on ? "Marked as wrong." : "The mark is taken back.");
}
function pageOf(article) {
  const { path, format, site, spun, cut } = article.dataset;
  const known = { source_path: path, format, site: site || null, spun: spun === "true" };
  if (Number(cut)) return known;
  return { ...known, text: blocksOf(article).map(original).join(""), title: partOf(article, true), body: partOf(article, false) };
}
function exportMarks() {
  const cases = Object.keys(marks).sort().map((key) => marks[key]);
  if (!cases.length) return;
  const pages = {};
  for (const { page } of cases) {
    const article = articles.find((found) => found.dataset.page === page);
    if (article) pages[page] = pageOf(article);
  }
  const whole = { format: 1, dataset: about.dataset, run: about.run, rules_version: about.rules, pages, cases };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(whole, null, 1)], { type: "application/json" }));
  link.download = "qingwen-cases.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`${cases.length} marks exported.`);
}

// Moving.
function shownArticles() { return articles.filter((article) => !article.hidden); }
function goTo(article) {
  if (!article) return;
  articles[here]?.classList.remove("here");
  here = articles.indexOf(article);
  article.classList.add("here");
  article.style.scrollMarginTop = `${document.querySelector(".filters").offsetHeight + 12}px`;
  article.scrollIntoView({ block: "start" });
  article.focus({ preventScroll: true });
}
function move(by) {
  const seen = shownArticles(), at = seen.indexOf(articles[here]);
  letGo();
  goTo(seen[Math.min(seen.length - 1, Math.max(0, at + by))]);
}
function choose(element, scroll) {
  chosen?.classList.remove("at");
  chosen = element;
  element.classList.add("at");
  const article = element.closest("article");
  articles[here]?.classList.remove("here");
  here = articles.indexOf(article);
  article.classList.add("here");
  const edit = element.matches(".e");
  const was = edit && element.matches("del") ? element.textContent : "nothing";
  const what = edit ? `${was} → ${afterOf(element)?.textContent ?? "nothing"}`
    : element.matches(".reject") ? "rejected" : element.matches(".removed") ? "removed" : "kept";
  $("what").textContent = what;
  $("because").textContent = edit ? element.title : element.matches(".reject") ? element.textContent : element.title;
  $("mark").disabled = !markable(element);
  $("mark").setAttribute("aria-pressed", keyOf(element) in marks);
  $("chosen").hidden = false;
  element.tabIndex = -1;
  if (scroll) element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
  say(`${what}: ${$("because").textContent}`);
}
function letGo() {
  chosen?.classList.remove("at");
  chosen = null;
  $("chosen").hidden = true;
}
function step(selector, by) {
  if (here < 0) goTo(shownArticles()[0]);
  if (here < 0) return;
  const found = [...articles[here].querySelectorAll(selector)];
  let at = found.indexOf(chosen);
  if (at < 0 && chosen) {
    // From where the chosen one stands: the nearest in this direction.
    const after = found.findIndex((e) => chosen.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING);
    at = by > 0 ? (after < 0 ? found.length : after) - 1 : after < 0 ? found.length : after;
  }
  const next = found[at + by] ?? (at < 0 ? found[0] : null);
  if (next) choose(next, true);
  else say("No more in this page.");
}
document.addEventListener("click", (event) => {
  const near = event.target.closest(".e, .kept > ins, .original .b, .reject");
  const element = near?.matches("ins:not(.e)") ? near.previousElementSibling : near;
  if (element && getSelection().isCollapsed) choose(element, false);
});

// Filters and search.
const selects = [...document.querySelectorAll("[data-filter]")];
const texts = new Map();
function textOf(article) {
  if (!texts.has(article)) texts.set(article, article.textContent.toLowerCase());
  return texts.get(article);
}
function highlight(words, seen) {
  if (!CSS.highlights) return;
  CSS.highlights.delete("found");
  if (!words) return;
  const ranges = [];
  for (const article of seen) {
    const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && ranges.length < 5000; node = walker.nextNode()) {
      const text = node.data.toLowerCase();
      for (let at = text.indexOf(words); at >= 0 && text.length === node.length; at = text.indexOf(words, at + words.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + words.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
function showHits(article, wanted) {
  for (const old of article.querySelectorAll(".hit")) old.classList.remove("hit");
  if (!wanted.rule && !wanted.label) return;
  for (const element of article.querySelectorAll(".e, .removed, .cleaned mark")) {
    const rules = (element.matches(".removed") ? element.dataset.rule : element.title.split(":")[0]).split(" ");
    const hit = wanted.rule ? rules.includes(wanted.rule) : element.dataset.label === wanted.label;
    element.classList.toggle("hit", hit);
  }
}
function filter() {
  const words = $("search").value.trim().toLowerCase(), only = $("only-marked").checked;
  const wanted = Object.fromEntries(selects.map((select) => [select.dataset.filter, select.value]));
  const marked = new Set(Object.values(marks).map((found) => found.page));
  for (const article of articles) {
    const fits = Object.entries(wanted).every(([name, value]) => !value || article.dataset[name].split("|").includes(value)
      || article.dataset[name] === value);
    article.hidden = !fits || (only && !marked.has(article.dataset.page)) || (words !== "" && !textOf(article).includes(words));
    showHits(article, article.hidden ? {} : wanted);
  }
  const seen = shownArticles();
  $("count").textContent = `${seen.length} of ${articles.length} pages`;
  $("none").hidden = seen.length > 0;
  if (articles[here]?.hidden) letGo();
  highlight(words, seen);
}
let waiting = 0;
$("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
document.querySelector(".filters").addEventListener("change", filter);
document.querySelector(".filters").addEventListener("reset", () => setTimeout(filter));
document.querySelector(".filters").addEventListener("submit", (event) => { event.preventDefault(); filter(); });
function toggleChoices() {
  const open = $("choices").classList.toggle("open");
  $("more").setAttribute("aria-expanded", open);
}

// Theme, help, keys.
const THEMES = ["system", "light", "dark"];
function setTheme(name) {
  if (name === "system") delete root.dataset.theme; else root.dataset.theme = name;
  $("theme").textContent = `Theme: ${name}`;
  remember("qingwen-review-theme", name);
}
function nextTheme() { setTheme(THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length]); }
function toSearch() { $("search").focus(); $("search").select(); }
function toFilters() {
  if (!$("choices").offsetParent) toggleChoices();
  selects[0].focus();
}
const KEYS = {
  j: () => move(1), ArrowRight: () => move(1), k: () => move(-1), ArrowLeft: () => move(-1),
  n: () => step(".reject, .e, .removed", 1), p: () => step(".reject, .e, .removed", -1),
  b: () => step(".original .b", 1), v: () => step(".original .b", -1),
  m: toggleMark, "/": toSearch, f: toFilters, e: exportMarks, t: nextTheme, "?": () => $("help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const typing = event.target.matches("input[type=search], select");
  if (event.key === "Escape") { event.target.blur(); letGo(); return; }
  if (typing || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
$("mark").addEventListener("click", toggleMark);
$("let-go").addEventListener("click", letGo);
$("export").addEventListener("click", exportMarks);
$("theme").addEventListener("click", nextTheme);
$("more").addEventListener("click", toggleChoices);
$("help-open").addEventListener("click", () => $("help").showModal());

// Once the page stands: what was marked before.
setTheme(THEMES.includes(remembered("qingwen-review-theme")) ? remembered("qingwen-review-theme") : "system");
const marked = new Set(Object.values(marks).map((found) => found.page));
for (const article of articles.filter((found) => marked.has(found.dataset.page))) {
  for (const element of article.querySelectorAll(".e, .original .b, .reject")) {
    if (keyOf(element) in marks) element.classList.add("wrong");
  }
}
showMarks();
