// The tagger in a page: the same steps as `tag.py`, which `python -m nerlib export` writes, and one
// more, WordPiece. Nothing is fetched: tools/page_tagger.py packs the data into tagger_data.js.
"use strict";
(() => {
const HERE = document.currentScript.src;
const MOST = 2000;  // characters a text
const EXAMPLE = "wake me up at nine am on friday";

// Words: Python counts characters, not UTF-16 units, so texts are arrays of characters here.

const CHUNK = {
  spaces: /\P{White_Space}+/gu,
  characters: /(?:[!-~]\p{M}*)+|\P{White_Space}\p{M}*/gu,
};
const EDGE = /^[\p{P}\p{Sc}\p{Sm}^`](?!\p{M})/u;

function splitWords(text, segmentation) {  // → [start, end] of each word, in characters
  const words = [];
  let read = 0, start = 0;
  for (const {0: chunk, index} of text.matchAll(CHUNK[segmentation])) {
    start += [...text.slice(read, index)].length;
    const letters = [...chunk], edge = (at) => EDGE.test(letters.slice(at, at + 2).join(""));
    let first = 0, last = letters.length;
    while (first < last && edge(first)) first += 1;
    while (first < last && edge(last - 1)) last -= 1;
    letters.forEach((_, at) => {
      if (at < first || at >= last) words.push([start + at, start + at + 1]);
      else if (at === first) words.push([start + first, start + last]);
    });
    read = index + chunk.length;
    start += letters.length;
  }
  return words;
}

// Subwords: BERT's normalisation, then the longest piece of the vocabulary, again and again.

const CHINESE = /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu;
const PUNCTUATION = /[!-\/:-@[-`{-~\p{P}]/gu;

function normalise(word, how) {
  let text = word.replace(/[\0\uFFFD]|(?![\t\n\r])\p{C}/gu, "");
  if (how.handle_chinese_chars) text = text.replace(CHINESE, " $& ");
  if (how.strip_accents ?? how.lowercase) text = text.normalize("NFD").replace(/\p{Mn}/gu, "");
  return how.lowercase ? Array.from(text, (letter) => letter.toLowerCase()).join("") : text;
}

function wordPiece(word, {vocab, unk_token, continuing_subword_prefix, max_input_chars_per_word}) {
  const letters = [...word], pieces = [];
  if (letters.length > max_input_chars_per_word) return [unk_token];
  for (let start = 0, end; start < letters.length; start = end) {
    let piece;
    for (end = letters.length; end > start; end -= 1) {
      piece = (start ? continuing_subword_prefix : "") + letters.slice(start, end).join("");
      if (Object.hasOwn(vocab, piece)) break;
    }
    if (end === start) return [unk_token];  // no piece of it is known: nor is the word
    pieces.push(piece);
  }
  return pieces;
}

function subwords(word, {model, normalizer}) {  // → its pieces, as text
  const text = normalise(word.replace(/\p{Cs}/gu, "?"), normalizer);  // half a character is "?"
  const parts = text.replace(PUNCTUATION, " $& ").split(/\p{White_Space}+/u).filter(Boolean);
  return parts.flatMap((part) => wordPiece(part, model));
}

// A long text is read in windows; a word takes its tag from the one in which it has more context.

function planWindows(counts, limit) {  // → [first word, end, keep from, keep to] of each
  const bounds = [];
  for (let first = 0; ;) {
    let end = first, used = 0;
    while (end < counts.length && used + counts[end] <= limit) used += counts[end++];
    bounds.push([first, end]);
    if (end === counts.length) break;
    const most = Math.min(Math.floor(limit / 4), limit - counts[end]);
    for (let overlap = 0; end - 1 > first + 1 && overlap + counts[end - 1] <= most;) {
      overlap += counts[--end];
    }
    first = end;
  }
  const middles = bounds.slice(1).map(([first], i) => Math.floor((bounds[i][1] + first) / 2));
  const cuts = [0, ...middles, counts.length];
  return bounds.map((bound, i) => [...bound, cuts[i], cuts[i + 1]]);
}

async function computeLogits(tagger, pieces) {  // → the tags' logits of each word
  const {ort, session, settings, tokenizer} = tagger, kept = [];
  const ids = pieces.map((word) => word.map((piece) => {
    const id = tokenizer.model.vocab[piece];
    return settings.reserved.includes(id) ? settings.unknown : id;
  }));
  for (const [first, end, from, to] of planWindows(ids.map((word) => word.length), settings.room)) {
    const inside = ids.slice(first, end), {before, after} = settings;
    const numbers = [before.map(() => -1), inside.map((word, n) => word.map(() => n)), after.map(() => -1)];
    const values = {
      input_ids: [...before, ...inside.flat(), ...after], word_ids: numbers.flat(2),
      words: inside.map((_, n) => n),
    };
    values.attention_mask = values.input_ids.map(() => 1);
    const inputs = Object.fromEntries(session.inputNames.map((name) => {
      const row = BigInt64Array.from(values[name], BigInt);
      return [name, new ort.Tensor("int64", row, name === "words" ? [row.length] : [1, row.length])];
    }));
    const {data, dims} = (await session.run(inputs))[session.outputNames[0]];
    for (let n = from - first; n < to - first; n += 1) kept.push(data.slice(n * dims[2], (n + 1) * dims[2]));
  }
  return kept;
}

// Tags: the best sequence that BIO allows (Viterbi), and each tag's probability.

function logSoftmax(row) {
  const largest = Math.max(...row);
  const sum = row.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Array.from(row, (value) => value - largest - Math.log(sum));
}

const bestOf = (row) => row.indexOf(Math.max(...row));

function bestTags(chances, seen) {  // tags: O, then B-X and I-X of each type → a tag a word
  const scores = chances.map((row, n) => seen[n] ? row : row.map((_, tag) => tag ? -Infinity : 0));
  let best = scores[0].map((value, tag) => tag && tag % 2 === 0 ? -Infinity : value);
  const cameFrom = scores.slice(1).map((row) => {
    const top = bestOf(best);  // may stand before O and B-X; before I-X only B-X or I-X may
    const inside = (tag) => best[tag - 1] >= best[tag] ? tag - 1 : tag;
    const before = row.map((_, tag) => tag && tag % 2 === 0 ? inside(tag) : top);
    best = row.map((value, tag) => value + best[before[tag]]);
    return before;
  });
  const path = [bestOf(best)];
  for (const before of cameFrom.reverse()) path.unshift(before[path[0]]);
  return path;
}

function chunks(tags) {  // → [type, first word, end] of each entity
  const found = [];
  let previous = "";
  tags.forEach((tag, n) => {
    const name = tag.slice(2);
    if (name && tag.startsWith("I") && name === previous) found.at(-1)[2] = n + 1;
    else if (name) found.push([name, n, n + 1]);
    previous = name;
  });
  return found;
}

async function tag(tagger, text) {  // → everything on the way from a text to its entities
  const {settings, tokenizer} = tagger, letters = [...text];
  const between = (start, end) => letters.slice(start, end).join("");
  const places = splitWords(text, settings.segmentation);
  const words = places.map(([start, end]) => ({start, end, text: between(start, end)}));
  if (!words.length) return {words, entities: []};
  for (const word of words) word.subwords = subwords(word.text, tokenizer).slice(0, settings.room);
  const chances = (await computeLogits(tagger, words.map((word) => word.subwords))).map(logSoftmax);
  const tags = bestTags(chances, words.map((word) => word.subwords.length > 0));
  words.forEach((word, n) => {
    word.tag = settings.labels[tags[n]];
    word.type = settings.names[word.tag.slice(2)] ?? "";  // none for O
    word.probability = Math.exp(chances[n][tags[n]]);
    const [other] = chances[n].map((_, i) => i).filter((i) => i !== tags[n])
      .sort((a, b) => chances[n][b] - chances[n][a]);
    word.next = {tag: settings.labels[other], probability: Math.exp(chances[n][other])};
  });
  const entities = chunks(words.map((word) => word.tag)).map(([name, first, end]) => {
    const inside = words.slice(first, end), [start, stop] = [inside[0].start, inside.at(-1).end];
    const score = inside.reduce((sum, word) => sum + word.probability, 0) / inside.length;
    return {type: settings.names[name], text: between(start, stop), start, end: stop, score};
  });
  return {words, entities};
}

// Loading: a script brings model and ONNX Runtime, as gzip in pieces of Base64.

function bytesOf(binary) {  // for browsers from before 2025
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function unpacked(pieces) {  // → bytes
  const bytes = pieces.map((base64) => Uint8Array.fromBase64?.(base64) ?? bytesOf(atob(base64)));
  const stream = new Blob(bytes).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const addScript = (src) => new Promise((done, failed) => {
  const script = Object.assign(document.createElement("script"), {src, onload: done});
  script.onerror = () => failed(Error("tagger_data.js is missing beside tagger.js"));
  document.head.append(script);
});

function widen(halves) {  // numbers of 16 bits → the same in 32
  const value = (half) => (half >> 15 ? -1 : 1) * (half >> 10 & 31
    ? 2 ** ((half >> 10 & 31) - 15) * (1 + (half & 1023) / 1024) : 2 ** -24 * (half & 1023));
  const values = Float32Array.from({length: 1 << 16}, (_, half) => value(half));
  const wide = new Float32Array(halves.length);
  for (let i = 0; i < wide.length; i += 1) wide[i] = values[halves[i]];
  return wide;
}

async function load() {
  await addScript(new URL("tagger_data.js", HERE).href);
  const packed = window.nerlibTaggerData;
  delete window.nerlibTaggerData;
  const json = async (part) => JSON.parse(new TextDecoder().decode(await unpacked(part)));
  const module = new Blob([await unpacked(packed.runtime)], {type: "text/javascript"});
  const ort = await import(URL.createObjectURL(module));
  ort.env.wasm.numThreads = 1;  // more need headers that a folder cannot send
  ort.env.wasm.wasmBinary = await unpacked(packed.wasm);
  const weights = widen(new Uint16Array((await unpacked(packed.weights)).buffer));
  const session = await ort.InferenceSession.create(await unpacked(packed.graph), {
    executionProviders: ["wasm"], graphOptimizationLevel: "disabled",  // it is optimised already
    externalData: [{path: "weights", data: new Uint8Array(weights.buffer)}],
  });
  const settings = await json(packed.settings), tokenizer = await json(packed.tokenizer);
  return {ort, session, settings, tokenizer};
}

// The box.

function make(name, text = "", more = {}) {  // text is text, whatever it holds
  const made = Object.assign(document.createElement(name), more);
  made.textContent = text;
  return made;
}

const percent = (value) => `${(100 * value).toFixed(1)} %`;
const hue = (type) => [...type].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);

function sentence(text, entities) {  // → the text with its entities marked
  const letters = [...text], shown = make("p", "", {className: "sentence", dir: "auto"});
  let cursor = 0;
  for (const {type, text: inside, start, end, score} of entities) {
    const mark = make("mark", inside);
    mark.append(" ", make("small", `${type} ${score.toFixed(2)}`));
    mark.style.setProperty("--hue", hue(type));
    shown.append(letters.slice(cursor, start).join(""), mark);
    cursor = end;
  }
  shown.append(letters.slice(cursor).join(""));
  return shown;
}

function table(words) {  // → a row a word
  const made = make("table"), head = made.createTHead().insertRow(), body = made.createTBody();
  for (const title of ["Word", "Subwords", "Tag", "Probability", "Next best"]) {
    head.append(make("th", title, {scope: "col"}));
  }
  for (const word of words) {
    const row = body.insertRow(), cut = row.insertCell();
    row.prepend(make("th", word.text, {scope: "row"}));
    for (const piece of word.subwords) cut.append(make("code", piece), " ");
    if (!word.subwords.length) cut.append("none: not seen by the encoder");
    const name = row.insertCell();
    name.append(make("code", word.tag));
    if (word.type) {
      name.className = "inside";
      name.style.setProperty("--hue", hue(word.type));
    }
    row.insertCell().textContent = percent(word.probability);
    row.insertCell().append(make("code", word.next.tag), ` ${percent(word.next.probability)}`);
  }
  return made;
}

function fill(box) {
  const field = make("textarea", "", {rows: 2, value: EXAMPLE, spellcheck: false, dir: "auto"});
  const label = make("label", "A sentence, for the tagger in this page: no Python, no server");
  const start = make("button", `Load the tagger (${box.dataset.mb} MB)`, {type: "button"});
  const said = make("p", "", {className: "said"}), found = make("div");
  said.setAttribute("role", "status");
  label.append(field);
  box.append(label, start, said, found);
  let tagger = null, shown = null, busy = false;

  async function draw() {  // one text at a time, and always the latest
    if (busy || !tagger) return;
    busy = true;
    while (shown !== field.value) {
      const text = shown = field.value, over = [...text].length - MOST;
      if (over > 0) {
        said.textContent = `At most ${MOST} characters: shorten the text by ${over}.`;
        found.replaceChildren();
        continue;
      }
      const from = performance.now(), {words, entities} = await tag(tagger, text);
      const took = Math.round(performance.now() - from);
      const count = `${entities.length} ${entities.length === 1 ? "entity" : "entities"}`;
      said.textContent = words.length ? `${count} in ${took} ms` : "Type a sentence.";
      const rows = make("div", "", {className: "rows", tabIndex: 0});
      rows.setAttribute("role", "group");
      rows.setAttribute("aria-label", "Words, subwords and tags");
      rows.append(table(words));
      found.replaceChildren(...(words.length ? [sentence(text, entities), rows] : []));
    }
    busy = false;
  }

  start.onclick = async () => {
    start.disabled = true;
    said.textContent = "Loading …";
    try {
      tagger = await (window.nerlibTagger ??= load());
    } catch (error) {
      said.textContent = `The tagger cannot be loaded: ${error.message}. A browser of 2023 or later can.`;
      return;
    }
    box.tag = (text) => tag(tagger, text);
    start.remove();
    field.focus();
    draw();
  };
  field.oninput = draw;
}

document.querySelectorAll(".tagger").forEach(fill);
})();
