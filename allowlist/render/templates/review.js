"use strict";
(() => {
  const { csrf, base } = document.getElementById("review-script").dataset;
  const complaint = document.getElementById("complaint");
  const undo = document.getElementById("undo");
  const all = (name, id) => document.querySelectorAll(`[data-${name}="${CSS.escape(id)}"]`);
  const every = [...new Set([...document.querySelectorAll("article[data-of]")].map((item) => item.dataset.of))];
  const show = (state) => {
    for (const id of every) {
      const found = state.changes[id] || { state: "pending", text: "", said: [] };
      for (const item of all("of", id)) item.dataset.state = found.state;
      for (const item of all("state-of", id)) item.textContent = found.state;
      for (const item of all("why-of", id)) item.textContent = found.text;
      for (const list of all("said-of", id)) {
        list.replaceChildren(...found.said.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
        list.hidden = !found.said.length;
      }
    }
    for (const [id, gate] of Object.entries(state.gates)) {
      for (const pill of all("gate-state", id)) {
        if (!gate.open && gate.by) {
          pill.textContent = `accepted by ${gate.by}: ${gate.reason}`;
          pill.classList.replace("not-met", "met");
        }
      }
      for (const form of all("gate", id)) form.hidden = !gate.open;
    }
    const counts = Object.entries(state.counts).map(([word, count]) => `${count} ${word}`).join(", ");
    document.getElementById("progress").textContent = `${counts}. ${state.next}`;
    undo.hidden = !state.can_undo;
    if (state.apply) showApply(state.apply, state.run);
    document.dispatchEvent(new Event("plan:changed"));
  };
  const applyForm = document.getElementById("apply");
  const stop = document.getElementById("stop");
  const say = (id, text) => {
    const item = document.getElementById(id);
    if (item.textContent !== text) item.textContent = text;
  };
  const showApply = (apply, run) => {
    applyForm.hidden = Boolean(apply.why_not);
    say("apply-why", apply.why_not);
    say("apply-what", `Writes ${apply.what}. Type ${apply.name} to confirm`);
    document.getElementById("run").hidden = !run;
    if (!run) return;
    say("run-text", `${run.over ? "Begun" : "Under way"} by ${run.by}: ${run.text}`);
    stop.hidden = run.over || Boolean(apply.may_not);
    const rows = run.steps.map((step) => {
      const row = document.createElement("tr");
      row.append(
        Object.assign(document.createElement("td"), { textContent: `${step.target} ${step.step}` }),
        Object.assign(document.createElement("td"), { textContent: `${step.state} ${step.text}` }),
      );
      return row;
    });
    document.getElementById("run-steps").replaceChildren(...rows);
  };
  const send = async (path, body) => {
    complaint.textContent = "";
    const answer = await fetch(base + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok) {
      complaint.textContent = [told.error, told.hint].filter(Boolean).join("; ");
      return null;
    }
    return told;
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.classList.contains("decide")) return;
    event.preventDefault();
    const verdict = (event.submitter && event.submitter.value) || "approve";
    const reason = form.elements.reason.value;
    const body = form.dataset.gate ? { verdict, gate: form.dataset.gate, reason } : { verdict, changes: [form.dataset.change], reason };
    const state = await send("decide", body);
    if (state) { form.reset(); show(state); }
  });
  undo.addEventListener("click", async () => {
    const state = await send("decide", { verdict: "undo" });
    if (state) show(state);
  });
  if (applyForm) applyForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const state = await send("apply", { name: applyForm.elements.name.value });
    if (state) { applyForm.reset(); show(state); }
  });
  if (stop) stop.addEventListener("click", async () => {
    const state = await send("stop", {});
    if (state) show(state);
  });
  const leave = document.getElementById("sign-out");
  if (leave) leave.addEventListener("click", async () => { await send("sign-out", {}); location.reload(); });
  const events = new EventSource(`${base}events`);
  events.addEventListener("message", (event) => show(JSON.parse(event.data)));
  events.addEventListener("ended", () => { events.close(); complaint.textContent = "the session has ended; open the page again"; });
})();
