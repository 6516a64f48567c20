"use strict";
(() => {
  const form = document.getElementById("filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("[data-words]")];
  const told = document.getElementById("shown");
  const counted = (number, noun) => `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
  const total = document.querySelectorAll("article[data-words]").length;
  const field = (name) => form.elements[name];
  const fits = (item) =>
    field("text").value.toLowerCase().split(/\s+/).every((word) => item.dataset.words.includes(word)) &&
    (!field("risk").value || item.dataset.risks.split(" ").includes(field("risk").value)) &&
    (!field("target").value || item.dataset.target === field("target").value) &&
    (!field("unproved").checked || item.dataset.proved === "no") &&
    (!field("state") || !field("state").value || item.dataset.state === field("state").value);
  const apply = () => {
    let shown = 0;
    for (const item of rows) {
      item.hidden = !fits(item);
      if (!item.hidden && item.tagName === "ARTICLE") shown += 1;
    }
    const whole = counted(total, "change");
    told.textContent = shown < total ? `${shown.toLocaleString("en-US")} of ${whole}` : total > 1 ? `all ${whole}` : whole;
  };
  const enter = () => {
    const wanted = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (wanted && wanted.hidden) { form.reset(); apply(); }
    if (wanted) { wanted.scrollIntoView(); wanted.focus({ preventScroll: true }); }
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field("text").focus();
    }
  });
  window.addEventListener("hashchange", enter);
  document.addEventListener("plan:changed", apply);
  form.hidden = false;
  apply();
  enter();
})();
