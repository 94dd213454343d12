(() => {
  const isNarrow = matchMedia("(max-width: 640px)").matches;
  // The button that shares a chart would send it to a server: a report leaves its reader's machine by no way.
  const config = {
    responsive: true, displaylogo: false, plotlyServerURL: "",
    modeBarButtonsToRemove: ["sendChartToCloud", "lasso2d", "select2d", "autoScale2d"],
  };
  // A legend of many lines takes its room from the plot: the figure grows by it instead.
  const fitLegend = (id) => {
    const plot = document.getElementById(id);
    const lines = plot.querySelector(".legend")?.getBBox().height ?? 0;
    plot.dataset.height ??= parseFloat(plot.style.height);
    const height = Number(plot.dataset.height) + Math.max(lines - 50, 0);
    if (height === parseFloat(plot.style.height)) return;
    plot.style.height = `${height}px`;
    Plotly.relayout(plot, { height });
  };
  for (const plot of document.querySelectorAll(".plot")) {
    const spec = JSON.parse(document.getElementById(plot.id + "-spec").textContent);
    if (isNarrow) {
      Object.assign(spec.layout.margin, { l: 46, r: 6 });
      spec.layout.font.size = 11;
      // A drag on a telephone scrolls the page.
      spec.layout.dragmode = false;
    }
    // Plotly's buttons would cover the legend: small figures go without them, large ones make room above it.
    const isSmall = isNarrow || plot.closest(".grid") !== null;
    if (!isSmall) spec.layout.margin.t = 60;
    Plotly.newPlot(plot, spec.data, spec.layout, isSmall ? { ...config, displayModeBar: false } : config);
    fitLegend(plot.id);
  }
  addEventListener("beforeprint", () => document.querySelectorAll(".plot").forEach((plot) => Plotly.Plots.resize(plot)));

  for (const button of document.querySelectorAll("button[data-ranges]")) {
    button.addEventListener("click", () => {
      const { plot, ranges, visible } = button.dataset;
      if (visible) Plotly.update(plot, { visible: JSON.parse(visible) }, JSON.parse(ranges)).then(() => fitLegend(plot));
      else Plotly.relayout(plot, JSON.parse(ranges));
      for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
    });
  }
  for (const select of document.querySelectorAll("select[data-plot]")) {
    const plot = document.getElementById(select.dataset.plot);
    const show = () => {
      const shown = new Set(JSON.parse(select.value));
      Plotly.restyle(plot, { visible: plot.data.map((_, index) => shown.has(index)) });
    };
    select.addEventListener("change", show);
    if (select.selectedIndex > 0) show();
  }
  for (const select of document.querySelectorAll("select[data-panels]")) {
    const show = () => {
      for (const panel of document.getElementById(select.dataset.panels).children) panel.hidden = panel.id !== select.value;
    };
    select.addEventListener("change", show);
    show();
  }

  const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent.trim();
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const isNumber = head.classList.contains("n");
      const rows = [...table.tBodies[0].rows].sort((first, second) => {
        const a = key(first, column), b = key(second, column);
        // Empty cells stay last in both directions.
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = isNumber ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
        return descending ? -order : order;
      });
      table.tBodies[0].append(...rows);
    }));
  }
})();
