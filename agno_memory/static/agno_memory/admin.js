/* The list and the form of memories. Everything works without it: it counts, completes, and makes tags of topics. */
"use strict";
(function () {
  const DELAY = 150;

  /* What is known, from a view of the admin. The newest question wins. */
  function completer(url, show) {
    let timer = 0;
    let asked = 0;
    return function (text) {
      window.clearTimeout(timer);
      timer = window.setTimeout(async function () {
        const number = ++asked;
        try {
          const response = await fetch(url + "?" + new URLSearchParams({ q: text }), { credentials: "same-origin" });
          const answer = response.ok ? await response.json() : { results: [] };
          if (number === asked) show(answer.results);
        } catch (error) {
          if (number === asked) show([]);
        }
      }, DELAY);
    };
  }

  function element(name, attributes, text) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /* A field that offers what is known. */
  function complete(input, number) {
    const list = element("datalist", { id: "am-known-" + number });
    input.after(list);
    input.setAttribute("list", list.id);
    const ask = completer(input.dataset.amComplete, function (results) {
      list.replaceChildren(...results.map((value) => element("option", { value: value })));
    });
    input.addEventListener("input", () => ask(input.value));
    input.addEventListener("focus", () => ask(input.value), { once: true });
  }

  /* How many characters a text has, as the service counts them. */
  function count(area, number) {
    const most = Number(area.dataset.amCount);
    const shown = element("div", { class: "am-counter help", id: "am-counter-" + number });
    (area.closest(".flex-container") || area).after(shown);
    area.setAttribute("aria-describedby", [area.getAttribute("aria-describedby"), shown.id].filter(Boolean).join(" "));
    function update() {
      const length = Array.from(area.value.replace(/\r\n?/g, "\n")).length;
      shown.textContent = length.toLocaleString() + " / " + most.toLocaleString();
      shown.classList.toggle("am-over", length > most);
    }
    area.addEventListener("input", update);
    update();
  }

  /* Topics as text: the same form as agno_memory.admin.topics_text. */
  function readTopics(text) {
    const topics = [];
    const cell = /\s*(?:"((?:[^"]|"")*)"|([^,\n]*))\s*(?:,|\n|$)/gy;
    let found;
    while (cell.lastIndex < text.length && (found = cell.exec(text))) {
      const topic = (found[1] !== undefined ? found[1].replace(/""/g, '"') : found[2]).trim();
      if (topic && !topics.includes(topic)) topics.push(topic);
    }
    return topics;
  }
  const writeTopics = (topics) =>
    topics.map((topic) => (/[",\r\n]/.test(topic) ? '"' + topic.replace(/"/g, '""') + '"' : topic)).join(", ");

  /* A plain field of topics becomes tags: enter or a comma adds, backspace removes the last, arrows go through them. */
  function tags(area, number) {
    if (area.closest(".errors") && !readTopics(area.value).length && area.value.trim()) return;
    let topics = readTopics(area.value);
    let offers = [];
    let active = -1;

    /* Words come with the field, in the language of the page. */
    const told = JSON.parse(area.dataset.amTags);
    const say = (word, topics) => told[word].replace("%(topic)s", () => topics || "");

    const box = element("div", { class: "am-tags" });
    const list = element("ul", { class: "am-tags-list", "aria-label": say("name") });
    const input = element("input", {
      type: "text", class: "am-tags-input", role: "combobox", autocomplete: "off", dir: "auto",
      "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": "am-offers-" + number,
    });
    const menu = element("ul", { class: "am-offers", id: "am-offers-" + number, role: "listbox",
      "aria-label": say("known") });
    menu.hidden = true;
    const said = element("div", { class: "am-hidden", role: "status" });

    const label = area.id && document.querySelector('label[for="' + CSS.escape(area.id) + '"]');
    input.id = area.id + "_tags";
    if (label) label.setAttribute("for", input.id);
    else input.setAttribute("aria-label", say("name"));
    const described = area.getAttribute("aria-describedby");
    if (described) input.setAttribute("aria-describedby", described);

    function draw() {
      area.value = writeTopics(topics);
      list.replaceChildren(...topics.map(function (topic) {
        const item = element("li", { class: "am-chip" });
        const button = element("button", { type: "button", class: "am-tag-remove" }, "×");
        button.setAttribute("aria-label", say("remove", topic));
        button.addEventListener("click", () => remove(topic, true));
        button.addEventListener("keydown", (event) => onTagKey(event, topic));
        item.append(element("bdi", {}, topic), button);
        return item;
      }));
      list.hidden = !topics.length;
    }
    function add(text) {
      const added = readTopics(text).filter((topic) => !topics.includes(topic));
      topics = topics.concat(added);
      input.value = "";
      close();
      draw();
      if (added.length) said.textContent = say("added", added.join(", "));
    }
    function remove(topic, refocus) {
      const at = topics.indexOf(topic);
      topics = topics.filter((each) => each !== topic);
      draw();
      said.textContent = say("removed", topic);
      const buttons = list.querySelectorAll("button");
      if (refocus) (buttons[Math.min(at, buttons.length - 1)] || input).focus();
    }
    function onTagKey(event, topic) {
      const buttons = Array.from(list.querySelectorAll("button"));
      const at = buttons.indexOf(event.currentTarget);
      if (event.key === "Backspace" || event.key === "Delete") remove(topic, true);
      else if (event.key === "ArrowLeft" && at > 0) buttons[at - 1].focus();
      else if (event.key === "ArrowRight") (buttons[at + 1] || input).focus();
      else return;
      event.preventDefault();
    }
    function close() {
      offers = [];
      active = -1;
      menu.hidden = true;
      menu.replaceChildren();
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }
    function show(results) {
      close();
      if (document.activeElement !== input || !input.value.trim()) return;
      offers = results.filter((topic) => !topics.includes(topic));
      menu.replaceChildren(...offers.map(function (topic, index) {
        const offer = element("li", { role: "option", id: menu.id + "-" + index, "aria-selected": "false" });
        offer.append(element("bdi", {}, topic));
        /* Before the field loses its focus. */
        offer.addEventListener("mousedown", function (event) {
          event.preventDefault();
          add(writeTopics([topic]));
        });
        return offer;
      }));
      menu.hidden = !offers.length;
      input.setAttribute("aria-expanded", String(offers.length > 0));
    }
    function move(step) {
      if (!offers.length) return;
      active = (active + step + offers.length + (active < 0 && step < 0 ? 1 : 0)) % offers.length;
      menu.querySelectorAll("li").forEach((offer, index) => offer.setAttribute("aria-selected", String(index === active)));
      input.setAttribute("aria-activedescendant", menu.id + "-" + active);
      menu.children[active].scrollIntoView({ block: "nearest" });
    }
    const ask = completer(told.url, show);
    input.addEventListener("input", () => (input.value.trim() ? ask(input.value.trim()) : close()));
    input.addEventListener("keydown", function (event) {
      if (event.isComposing) return;
      if (event.key === "Enter" && (active >= 0 || input.value.trim())) add(active >= 0 ? writeTopics([offers[active]]) : input.value);
      else if (event.key === "Enter") { /* An empty field does not send the form by mistake. */ }
      else if (event.key === "," && !input.value.trim().startsWith('"')) add(input.value);
      else if (event.key === "ArrowDown") move(1);
      else if (event.key === "ArrowUp") move(-1);
      else if (event.key === "Escape" && offers.length) close();
      else if (event.key === "Backspace" && !input.value && topics.length) remove(topics[topics.length - 1], false);
      else if (event.key === "ArrowLeft" && !input.value && topics.length) list.querySelector("li:last-child button").focus();
      else return;
      event.preventDefault();
    });
    /* What is typed and not yet added counts too. */
    input.addEventListener("blur", () => (input.value.trim() ? add(input.value) : close()));
    if (area.form) area.form.addEventListener("submit", () => input.value.trim() && add(input.value));

    area.classList.add("am-hidden");
    area.tabIndex = -1;
    area.setAttribute("aria-hidden", "true");
    box.append(list, input, menu, said);
    area.after(box);
    box.addEventListener("click", (event) => event.target === box && input.focus());
    draw();
  }

  function start() {
    document.querySelectorAll("[data-am-complete]").forEach((input, number) => input.dataset.amComplete && complete(input, number));
    document.querySelectorAll("[data-am-count]").forEach(count);
    document.querySelectorAll("[data-am-tags]").forEach(tags);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
