"use strict";

const ended = () => document.body.classList.contains("-closed");

document.querySelector("#again").addEventListener("click", () => window.location.assign("/"));

// Ctrl+W deletes a word in a terminal and closes the page in a browser.
window.addEventListener("beforeunload", (event) => {
  if (!ended()) event.preventDefault();
});
