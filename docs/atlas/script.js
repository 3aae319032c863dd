"use strict";

// Runs in the head: the theme has to be known before the page is painted.
(() => {
  const root = document.documentElement;
  const base = root.dataset.root;
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  root.classList.add("script");

  // A browser may deny pages on the disk their storage.
  const remember = (theme) => {
    try {
      localStorage.setItem("atlas-theme", theme);
    } catch {}
  };
  const remembered = () => {
    try {
      return localStorage.getItem("atlas-theme");
    } catch {
      return null;
    }
  };
  const theme = remembered();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches);

  function startTheme() {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember(root.dataset.theme);
      show();
    });
    systemIsDark.addEventListener("change", show);
    show();
  }

  // Search

  const LIMIT = 12;

  /** 0 if the text is the query, 1 if it starts with it, 2 if a word of it does, 3 if it holds it; otherwise 4. */
  function rank(text, query) {
    const low = text.toLowerCase();
    const at = low.indexOf(query);
    if (at < 0) return 4;
    if (low === query) return 0;
    if (at === 0) return 1;
    return /[\s.,_\-/]/.test(low[at - 1]) ? 2 : 3;
  }

  /** The items that match, best first. `texts` gives the texts of an item that may match. */
  function matching(items, query, texts) {
    return items
      .map((item) => [Math.min(...texts(item).map((text) => rank(text, query))), item])
      .filter(([order]) => order < 4)
      .sort((a, b) => a[0] - b[0])
      .map(([, item]) => item);
  }

  const namesOf = ([name, , alias]) => (alias ? [name, alias] : [name]);

  function channelResult([name, folder], number, label) {
    const address = `${name}:${number}`;
    return { label: label || address, detail: label ? address : "channel", href: `${base}${folder}/${number}.html` };
  }

  function findChannels(index, query) {
    const at = query.lastIndexOf(":");
    if (at < 0) return [];
    const digits = query.slice(at + 1).trim();
    return matching(index.layers, query.slice(0, at).trim(), namesOf).flatMap((layer) =>
      layer[3]
        .filter((number) => String(number).startsWith(digits))
        .sort((a, b) => (String(b) === digits) - (String(a) === digits) || a - b)
        .map((number) => channelResult(layer, number)),
    );
  }

  function find(index, text) {
    const query = text.trim().toLowerCase();
    if (!query) return [];
    const layers = matching(index.layers, query, namesOf).map(([name, folder, alias]) => ({
      label: name,
      detail: alias ? `layer, ${alias}` : "layer",
      href: `${base}${folder}/index.html`,
    }));
    const classes = matching(index.classes, query, ([name]) => [name]).flatMap(([name, channels]) =>
      channels.map(([layer, number]) => channelResult(index.layers[layer], number, name)),
    );
    return [...findChannels(index, query), ...layers, ...classes].slice(0, LIMIT);
  }

  function startSearch() {
    const index = window.ATLAS || { layers: [], classes: [] };
    const field = document.getElementById("search");
    const list = document.getElementById("found");
    const nothing = document.getElementById("nothing");
    let results = [];
    let active = -1;

    function point(to) {
      active = to;
      [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
      if (active < 0) return field.removeAttribute("aria-activedescendant");
      field.setAttribute("aria-activedescendant", list.children[active].id);
      list.children[active].scrollIntoView({ block: "nearest" });
    }

    function close() {
      results = [];
      list.replaceChildren();
      nothing.textContent = "";
      show();
    }

    function show() {
      list.hidden = !results.length;
      field.setAttribute("aria-expanded", String(!list.hidden));
      point(results.length ? 0 : -1);
    }

    function option(result, at) {
      const item = document.createElement("li");
      item.id = `found-${at}`;
      item.setAttribute("role", "option");
      for (const part of ["label", "detail"]) {
        const span = document.createElement("span");
        span.className = part;
        span.textContent = result[part];
        item.append(span);
      }
      item.addEventListener("pointermove", () => active !== at && point(at));
      item.addEventListener("click", () => location.assign(result.href));
      return item;
    }

    function update() {
      results = find(index, field.value);
      list.replaceChildren(...results.map(option));
      nothing.textContent = field.value.trim() && !results.length ? "No layer, channel or class matches." : "";
      show();
    }

    field.addEventListener("input", update);
    field.addEventListener("focus", update);
    field.addEventListener("blur", close);
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus in the field
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && results.length) {
        event.preventDefault();
        point((active + step + results.length) % results.length);
      } else if (event.key === "Enter" && results.length) {
        event.preventDefault();
        location.assign(results[active].href);
      } else if (event.key === "Escape") {
        event.preventDefault();
        if (results.length || nothing.textContent) close();
        else field.blur();
      }
    });
  }

  // Keys

  const TURNS = { ArrowLeft: "prev", k: "prev", ArrowRight: "next", j: "next" };

  function startKeys() {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target.closest && event.target.closest("input, textarea, select, [contenteditable]")) return;
      if (event.key === "/") {
        event.preventDefault();
        document.getElementById("search").focus();
      }
      if (event.shiftKey) return; // "/" may need it, the others don't
      const link = TURNS[event.key] && document.querySelector(`a[rel="${TURNS[event.key]}"]`);
      if (link) location.assign(link.href);
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    startSearch();
    startKeys();
  });
})();
