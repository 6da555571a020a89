/* The list and the form of memories: suggestions, counters and tags. The pages also work without this script. */
"use strict";
(function () {
  const DELAY = 150;

  /* Return a function that fetches suggestions for a text from a view of the admin. Only the last request counts. */
  function completer(url, show) {
    let timer = 0;
    let latest = 0;
    return function (text) {
      window.clearTimeout(timer);
      timer = window.setTimeout(async function () {
        const number = ++latest;
        try {
          const response = await fetch(url + "?" + new URLSearchParams({ q: text }), { credentials: "same-origin" });
          const body = response.ok ? await response.json() : { results: [] };
          if (number === latest) show(body.results, body.labels || {});
        } catch (error) {
          if (number === latest) show([], {});
        }
      }, DELAY);
    };
  }

  function element(name, attributes, text) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  /* Add suggestions to a text field. */
  function complete(input, number) {
    const list = element("datalist", { id: "am-suggestions-list-" + number });
    input.after(list);
    input.setAttribute("list", list.id);
    const fetchSuggestions = completer(input.dataset.amComplete, function (results, labels) {
      const label = (value) => (labels[value] ? value + " · " + labels[value] : value);
      list.replaceChildren(...results.map((value) => element("option", { value: value, label: label(value) })));
    });
    input.addEventListener("input", () => fetchSuggestions(input.value));
    input.addEventListener("focus", () => fetchSuggestions(input.value), { once: true });
  }

  /* Show the number of characters of a text, as the service counts them. */
  function count(area, number) {
    const maximum = Number(area.dataset.amCount);
    const counter = element("div", { class: "am-counter help", id: "am-counter-" + number });
    (area.closest(".flex-container") || area).after(counter);
    area.setAttribute("aria-describedby", [area.getAttribute("aria-describedby"), counter.id].filter(Boolean).join(" "));
    function update() {
      const length = Array.from(area.value.replace(/\r\n?/g, "\n")).length;
      counter.textContent = length.toLocaleString() + " / " + maximum.toLocaleString();
      counter.classList.toggle("am-over", length > maximum);
    }
    area.addEventListener("input", update);
    update();
  }

  /* Topics as text, in the format of agno_memory.admin.topics_text. */
  function readTopics(text) {
    const topics = [];
    const cell = /\s*(?:"((?:[^"]|"")*)"|([^,\n]*))\s*(?:,|\n|$)/gy;
    let match;
    while (cell.lastIndex < text.length && (match = cell.exec(text))) {
      const topic = (match[1] !== undefined ? match[1].replace(/""/g, '"') : match[2]).trim();
      if (topic && !topics.includes(topic)) topics.push(topic);
    }
    return topics;
  }
  const writeTopics = (topics) =>
    topics.map((topic) => (/[",\r\n]/.test(topic) ? '"' + topic.replace(/"/g, '""') + '"' : topic)).join(", ");

  /* Turn a text field of topics into tags: Enter or a comma adds one, Backspace removes the last, arrow keys move between them. */
  function tags(area, number) {
    if (area.closest(".errors") && !readTopics(area.value).length && area.value.trim()) return;
    let topics = readTopics(area.value);
    let suggestions = [];
    let active = -1;

    /* The field has the texts, in the language of the page. */
    const config = JSON.parse(area.dataset.amTags);
    const message = (name, topics) => config[name].replace("%(topic)s", () => topics || "");

    const box = element("div", { class: "am-tags" });
    const list = element("ul", { class: "am-tags-list", "aria-label": message("name") });
    const input = element("input", {
      type: "text", class: "am-tags-input", role: "combobox", autocomplete: "off", dir: "auto",
      "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": "am-suggestions-" + number,
    });
    const menu = element("ul", { class: "am-suggestions", id: "am-suggestions-" + number, role: "listbox",
      "aria-label": message("suggestions") });
    menu.hidden = true;
    const status = element("div", { class: "am-hidden", role: "status" });

    const label = area.id && document.querySelector('label[for="' + CSS.escape(area.id) + '"]');
    input.id = area.id + "_tags";
    if (label) label.setAttribute("for", input.id);
    else input.setAttribute("aria-label", message("name"));
    const described = area.getAttribute("aria-describedby");
    if (described) input.setAttribute("aria-describedby", described);

    function draw() {
      area.value = writeTopics(topics);
      list.replaceChildren(...topics.map(function (topic) {
        const item = element("li", { class: "am-chip" });
        const button = element("button", { type: "button", class: "am-tag-remove" }, "×");
        button.setAttribute("aria-label", message("remove", topic));
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
      if (added.length) status.textContent = message("added", added.join(", "));
    }
    function remove(topic, refocus) {
      const at = topics.indexOf(topic);
      topics = topics.filter((each) => each !== topic);
      draw();
      status.textContent = message("removed", topic);
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
      suggestions = [];
      active = -1;
      menu.hidden = true;
      menu.replaceChildren();
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }
    function show(results) {
      close();
      if (document.activeElement !== input || !input.value.trim()) return;
      suggestions = results.filter((topic) => !topics.includes(topic));
      menu.replaceChildren(...suggestions.map(function (topic, index) {
        const option = element("li", { role: "option", id: menu.id + "-" + index, "aria-selected": "false" });
        option.append(element("bdi", {}, topic));
        /* This event comes before the field loses its focus. */
        option.addEventListener("mousedown", function (event) {
          event.preventDefault();
          add(writeTopics([topic]));
        });
        return option;
      }));
      menu.hidden = !suggestions.length;
      input.setAttribute("aria-expanded", String(suggestions.length > 0));
    }
    function move(step) {
      if (!suggestions.length) return;
      active = (active + step + suggestions.length + (active < 0 && step < 0 ? 1 : 0)) % suggestions.length;
      menu.querySelectorAll("li").forEach((option, index) => option.setAttribute("aria-selected", String(index === active)));
      input.setAttribute("aria-activedescendant", menu.id + "-" + active);
      menu.children[active].scrollIntoView({ block: "nearest" });
    }
    const fetchSuggestions = completer(config.url, show);
    input.addEventListener("input", () => (input.value.trim() ? fetchSuggestions(input.value.trim()) : close()));
    input.addEventListener("keydown", function (event) {
      if (event.isComposing) return;
      if (event.key === "Enter" && (active >= 0 || input.value.trim())) add(active >= 0 ? writeTopics([suggestions[active]]) : input.value);
      else if (event.key === "Enter") { /* Enter in an empty field does not submit the form. */ }
      else if (event.key === "," && !input.value.trim().startsWith('"')) add(input.value);
      else if (event.key === "ArrowDown") move(1);
      else if (event.key === "ArrowUp") move(-1);
      else if (event.key === "Escape" && suggestions.length) close();
      else if (event.key === "Backspace" && !input.value && topics.length) remove(topics[topics.length - 1], false);
      else if (event.key === "ArrowLeft" && !input.value && topics.length) list.querySelector("li:last-child button").focus();
      else return;
      event.preventDefault();
    });
    /* Text that is typed but not added yet is added now. */
    input.addEventListener("blur", () => (input.value.trim() ? add(input.value) : close()));
    if (area.form) area.form.addEventListener("submit", () => input.value.trim() && add(input.value));

    area.classList.add("am-hidden");
    area.tabIndex = -1;
    area.setAttribute("aria-hidden", "true");
    box.append(list, input, menu, status);
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
