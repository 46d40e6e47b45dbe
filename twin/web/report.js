/* Wake the report: mount the 3D view, sort the tables, lead from names to buildings. */
(() => {
  const place = document.getElementById("viewer");
  let viewer = null;
  const start = () => {
    const data = JSON.parse(document.getElementById("district").textContent);
    viewer = window.HeidiViewer.mount(place, data);
    window.heidiViewer = viewer;
  };
  // The page is readable before the model is built.
  requestAnimationFrame(() => setTimeout(start, 0));

  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.addEventListener("click", (event) => {
    const named = event.target.closest("[data-part]");
    if (!named || !viewer) return;
    viewer.select(named.dataset.part);
    place.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
    place.querySelector("canvas").focus({ preventScroll: true });
  });

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };
  for (const ranking of document.querySelectorAll(".ranking")) {
    const body = ranking.querySelector("tbody");
    const heads = [...ranking.querySelectorAll("thead th")];
    const more = ranking.querySelector(".more");
    const shown = body.querySelectorAll("tr:not([hidden])").length;
    const limit = () => {
      [...body.rows].forEach((row, index) => {
        row.hidden = Boolean(more) && index >= shown;
        row.cells[0].textContent = index + 1;
      });
    };
    let all = !more;
    heads.forEach((head, column) => {
      head.querySelector("button")?.addEventListener("click", () => {
        const numeric = head.classList.contains("n");
        const was = head.getAttribute("aria-sort");
        const down = was ? was === "ascending" : numeric;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        const rows = [...body.rows].map((row) => [key(row, column), row]);
        rows.sort(([a], [b]) =>
          numeric ? sign * (a - b) : sign * String(a).localeCompare(String(b), "sv")
        );
        body.append(...rows.map(([, row]) => row));
        limit();
        if (all) [...body.rows].forEach((row) => (row.hidden = false));
      });
    });
    more?.addEventListener("click", () => {
      all = true;
      [...body.rows].forEach((row) => (row.hidden = false));
      more.remove();
    });
  }
})();
