"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const { names, columns } = JSON.parse($("rows").textContent);
  const list = $("tiles");
  const tiles = [...list.children];
  const picks = tiles.map((tile) => tile.querySelector(".pick"));
  const column = (name) => columns[names.indexOf(name)];
  const known = (value) => typeof value === "number";
  const written = /^(smiles|scaffold|nearest_training|linker|R\d+)$/; // columns in which C and c are two things
  const said = (row, wanted) => columns
    .filter((values, k) => typeof values[row] === "string" && wanted(names[k])).map((values) => values[row]).join("\n");
  const texts = tiles.map((_, row) => said(row, () => true));
  const small = tiles.map((_, row) => said(row, (name) => !written.test(name)).toLowerCase());
  const alerts = column("alerts");
  const panels = [...document.querySelectorAll(".panel")].map((box) => ({
    box,
    values: columns[Number(box.dataset.column)],
    low: Number(box.dataset.low),
    high: Number(box.dataset.high),
    bins: Number(box.dataset.bins),
    top: Number(box.dataset.top),
    kept: box.querySelector(".kept"),
    sliders: [...box.querySelectorAll(".track input")],
    typed: [...box.querySelectorAll(".typed input")],
  }));
  let order = tiles.map((_, row) => row);
  let shown = order.map(() => true);
  let current = 0; // the tile that the keyboard is at
  let last = null; // the tile that was chosen last, where a range begins
  const chosen = new Set();

  // What is wanted ------------------------------------------------------------------------------------------------

  const limit = (input) => (input.value.trim() === "" || !Number.isFinite(Number(input.value)) ? null : Number(input.value));

  function wanted() {
    const query = $("search").value.trim();
    const lower = query.toLowerCase();
    const clean = $("clean") && $("clean").checked;
    const only = $("chosen").checked;
    const ranges = panels
      .map((panel) => ({ values: panel.values, from: limit(panel.typed[0]), to: limit(panel.typed[1]) }))
      .filter((range) => range.from !== null || range.to !== null);
    return (row) =>
      (!query || small[row].includes(lower) || texts[row].includes(query)) &&
      (!clean || !alerts[row]) &&
      (!only || chosen.has(row)) &&
      ranges.every(({ values, from, to }) =>
        known(values[row]) && (from === null || values[row] >= from) && (to === null || values[row] <= to));
  }

  function filter() {
    const test = wanted();
    shown = tiles.map((_, row) => test(row));
    tiles.forEach((tile, row) => { tile.hidden = !shown[row]; });
    panels.forEach(drawKept);
    $("nothing").hidden = shown.some(Boolean);
    keep();
    tell();
  }

  function drawKept(panel) {
    const counts = new Array(panel.bins).fill(0);
    panel.values.forEach((value, row) => {
      if (!shown[row] || !known(value)) return;
      const bin = Math.floor(((value - panel.low) / (panel.high - panel.low)) * panel.bins);
      counts[Math.min(Math.max(bin, 0), panel.bins - 1)] += 1;
    });
    const wide = 240 / panel.bins;
    const bar = (count, k) =>
      count ? `M${(wide * k).toFixed(1)} 44v-${Math.max((44 * count) / panel.top, 1).toFixed(1)}h${Math.max(wide - 1, 0.5).toFixed(1)}V44z` : "";
    panel.kept.setAttribute("d", counts.map(bar).join(""));
  }

  function sort() {
    const values = $("sort").value && columns[Number($("sort").value)];
    const down = $("turn").getAttribute("aria-pressed") === "true" ? -1 : 1;
    order = tiles.map((_, row) => row);
    if (values) {
      order.sort((a, b) => Number(known(values[b])) - Number(known(values[a])) ||
        (known(values[a]) ? down * (values[a] - values[b]) : 0) || a - b);
    } else if (down < 0) {
      order.reverse();
    }
    list.append(...order.map((row) => tiles[row]));
    keep();
  }

  // Choosing --------------------------------------------------------------------------------------------------------

  function choose(row, on) {
    if (on) chosen.add(row); else chosen.delete(row);
    picks[row].checked = on;
    tiles[row].classList.toggle("on", on);
  }

  const visible = () => order.filter((row) => shown[row]);

  function toggle(row, on, range) {
    const seen = visible();
    const [a, b] = [seen.indexOf(last), seen.indexOf(row)];
    if (range && a >= 0) seen.slice(Math.min(a, b), Math.max(a, b) + 1).forEach((one) => choose(one, on));
    else choose(row, on);
    last = row;
    if ($("chosen").checked) filter(); else tell();
  }

  // One tile at a time can be reached with the tab key; arrows go on from there.
  function keep(row = current) {
    const seen = visible();
    const next = seen.includes(row) ? row : seen[0];
    picks[current].tabIndex = -1;
    if (next === undefined) return;
    current = next;
    picks[current].tabIndex = 0;
  }

  function wide() {
    const seen = visible();
    const top = tiles[seen[0]].offsetTop;
    const next = seen.findIndex((row) => tiles[row].offsetTop !== top);
    return next < 0 ? seen.length : next;
  }

  list.addEventListener("keydown", (event) => {
    if (!event.target.matches(".pick") || event.ctrlKey || event.metaKey || event.altKey) return;
    const seen = visible();
    const at = seen.indexOf(current);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide(), ArrowUp: -wide(), Home: -at, End: seen.length - 1 - at };
    if (event.key === "Enter") {
      const more = tiles[current].querySelector("details");
      if (more) more.open = !more.open;
    } else if (event.key in steps) {
      const next = seen[at + steps[event.key]];
      if (next !== undefined) {
        keep(next);
        picks[next].focus({ preventScroll: true });
        tiles[next].scrollIntoView({ block: "nearest" });
      }
    } else return;
    event.preventDefault();
  });

  // Taking away -----------------------------------------------------------------------------------------------------

  const taken = () => (chosen.size ? order.filter((row) => chosen.has(row)) : visible());
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  function csv() {
    const lines = [names, ...taken().map((row) => columns.map((values) => values[row]))];
    return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  function smi() {
    const [smiles, called] = [column("smiles"), column("name")];
    return taken().map((row) => [smiles[row], called && called[row]].filter(Boolean)
      .map((text) => String(text).replace(/\s+/g, " ")).join(" ") + "\n").join("");
  }

  function save(text, suffix, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = `${chosen.size ? "selected" : "shown"}.${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function tell() {
    const seen = shown.filter(Boolean).length;
    if ($("kept")) $("kept").textContent = `${seen.toLocaleString("en")} of ${tiles.length.toLocaleString("en")} are shown below.`;
    const what = chosen.size ? `${chosen.size} selected` : `${seen} shown`;
    $("count").value = `${seen.toLocaleString("en")} of ${tiles.length.toLocaleString("en")} shown, ${chosen.size.toLocaleString("en")} selected`;
    for (const id of ["csv", "smi"]) {
      $(id).textContent = `${id.toUpperCase()} of ${what}`;
      $(id).disabled = !chosen.size && !seen;
    }
  }

  // Hands -----------------------------------------------------------------------------------------------------------

  let due = 0;
  const soon = () => { cancelAnimationFrame(due); due = requestAnimationFrame(filter); };

  panels.forEach(({ sliders, typed }) => {
    const ends = sliders.map((slider) => slider.value);
    sliders.forEach((slider, side) => {
      slider.addEventListener("input", () => {
        const [from, to] = sliders.map((one) => Number(one.value));
        if (from > to) slider.value = sliders[1 - side].value;
        typed[side].value = slider.value === ends[side] ? "" : String(Number(Number(slider.value).toPrecision(4)));
        soon();
      });
      typed[side].addEventListener("input", () => {
        const value = limit(typed[side]);
        slider.value = value === null ? ends[side] : value;
        soon();
      });
    });
  });
  for (const id of ["search", "clean", "chosen"]) if ($(id)) $(id).addEventListener("input", soon);
  $("sort").addEventListener("change", sort);
  $("turn").addEventListener("click", () => {
    const down = $("turn").getAttribute("aria-pressed") !== "true";
    $("turn").setAttribute("aria-pressed", String(down));
    $("turn").textContent = down ? "↓ highest first" : "↑ lowest first";
    sort();
  });
  $("all").addEventListener("click", () => { visible().forEach((row) => choose(row, true)); tell(); });
  $("none").addEventListener("click", () => { [...chosen].forEach((row) => choose(row, false)); filter(); });
  $("reset").addEventListener("click", () => {
    panels.forEach(({ sliders, typed }) => sliders.forEach((slider, side) => {
      typed[side].value = "";
      slider.value = slider.defaultValue;
    }));
    $("search").value = "";
    if ($("clean")) $("clean").checked = false;
    $("chosen").checked = false;
    filter();
  });
  $("csv").addEventListener("click", () => save(csv(), "csv", "text/csv"));
  $("smi").addEventListener("click", () => save(smi(), "smi", "chemical/x-daylight-smiles"));
  picks.forEach((pick, row) => {
    pick.hidden = false;
    pick.checked = false;
    pick.tabIndex = -1;
    const more = tiles[row].querySelector("summary");
    if (more) more.tabIndex = -1;
    pick.addEventListener("click", (event) => { keep(row); toggle(row, pick.checked, event.shiftKey); });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    $("search").focus();
  });

  document.documentElement.classList.add("scripted");
  document.querySelectorAll(".sliders").forEach((one) => { one.hidden = false; });
  $("tools").hidden = false;
  if ($("kept")) $("kept").hidden = false;
  if (tiles.length) filter();
})();
