"use strict";
// A click on a moment in the plot, or on a segment, shows it in both and moves the sound there.
(() => {
  const page = document.documentElement;
  const plot = document.querySelector(".plot");
  const cursor = document.querySelector(".overlay i");
  const audio = document.querySelector("audio");
  const items = [...document.querySelectorAll("ol li")];
  const starts = items.map((item) => Number(item.dataset.start));
  const length = Number(plot.dataset.length);
  let lit = null;
  page.classList.add("js");

  // The segment at this time, or the last one before it.
  function at(time) {
    let low = 0, high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= time + 0.001) low = middle + 1; else high = middle;
    }
    return items[Math.max(low - 1, 0)];
  }

  function show(time, scroll) {
    cursor.style.left = `${Math.min(100, (100 * time) / length)}%`;
    const item = at(time);
    if (!item || item === lit) return;
    if (lit) lit.classList.remove("on");
    lit = item;
    lit.classList.add("on");
    if (scroll) lit.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  function go(time, scroll) {
    show(time, scroll);
    if (audio) audio.currentTime = time;
  }

  plot.addEventListener("click", (event) => {
    const lane = event.target.closest(".lane");
    if (!lane) return;
    const box = lane.getBoundingClientRect();
    event.preventDefault();
    go((length * (event.clientX - box.left)) / box.width, true);
  });
  items.forEach((item, i) => item.addEventListener("click", (event) => {
    if (!getSelection().isCollapsed) return; // text is being selected
    if (event.target.closest("a")) event.preventDefault();
    go(starts[i], false);
  }));
  if (audio) audio.addEventListener("timeupdate", () => show(audio.currentTime, !audio.paused));
  function follow() {
    const linked = items.findIndex((item) => `#${item.id}` === location.hash);
    if (linked >= 0) go(starts[linked], true);
  }
  addEventListener("hashchange", follow);
  follow();
})();
