// Show what may be wrong with meters, sensors and panels: the clearest hints, less often than the state.
"use strict";

// Finding hints takes seconds where there are many points; the server keeps what it found.
const HINTS_AGAIN = 300000;
const MOST_HINTS = 5;
const KINDS = {
  gap: "Silence",
  stuck: "Stuck value",
  unit: "Wrong unit",
  outage: "Outage",
  partial: "Partly off",
  clock: "Wrong clock",
  soiling: "Dirt",
  shading: "Shadow",
};

function dayAndHour(time) {
  return new Date(time).toLocaleString("en-GB", {
    timeZone: "UTC",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
}

function hintItem(hint) {
  const item = node("li");
  const head = node("b");
  const mark = node("span", KINDS[hint.kind] || hint.kind, "mark hint");
  mark.title = hint.meaning;
  head.append(mark, " ");
  if (hint.building) head.append(opener({ id: hint.building, name: hint.name }));
  const when = `${hint.point}, ${dayAndHour(hint.start)} to ${dayAndHour(hint.end)} UTC, confidence ${number(hint.confidence, 2)}`;
  item.append(head, hint.evidence, node("span", when, "when"));
  return item;
}

function showHints(told) {
  $("hints").replaceChildren(...told.hints.map(hintItem));
  const left = told.total - told.hints.length;
  const parts = [];
  if (!told.points) parts.push("No values to look at yet.");
  else if (!told.total) parts.push("✓ No hint of a fault.");
  if (left > 0) parts.push(`${number(left)} more: `);
  const say = $("hintssay");
  say.replaceChildren(parts.join(" "));
  if (left > 0) {
    const all = node("a", "api/hints");
    all.href = "api/hints";
    say.append(all, ". ");
  }
  if (told.points) {
    say.append(
      ` ${number(told.points)} points from ${dayAndHour(told.start)} to ${dayAndHour(told.end)} UTC, panels beside ${told.compared_with}. A hint is a suspicion, not a finding.`,
    );
  }
}

async function loadHints() {
  try {
    showHints(await ask(`api/hints?limit=${MOST_HINTS}`));
  } catch (error) {
    // What was told before stays: it was true when it was found.
    $("hintssay").textContent = `Hints cannot be told now: ${error.message}`;
  }
}

loadHints();
window.setInterval(loadHints, HINTS_AGAIN);
