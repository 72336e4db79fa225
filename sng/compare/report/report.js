/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Draws the plots; all else on the page is there without it. A canvas whose plot is drawn has the attribute data-drawn. */
(function () {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  const dashes = [[], [7, 3], [2, 3], [9, 3, 2, 3]];
  const points = ["circle", "rect", "triangle", "rectRot"];
  /* More names than these crowd out the plot, and more points than these run into each other. */
  const maxLegend = 8;
  const maxPoints = 60;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;

  const drawn = {
    id: "drawn",
    afterRender(chart) {
      chart.canvas.dataset.drawn = "true";
    },
  };

  /* What is recorded as text is no finite number: a gap. */
  function finite(value) {
    return typeof value === "number" ? value : null;
  }

  function toPoints(run) {
    return run.steps.map((step, i) => ({ x: step, y: finite(run.values[i]) }));
  }

  /* The uninterrupted run is a broad line, on which the others can be seen to lie. A value that is not its own is crossed. */
  function toDataset(run, i, reference) {
    const isReference = run.mode === "continuous";
    const differs = run.steps.map((step, k) => !isReference && reference.has(step) && reference.get(step) !== run.values[k]);
    const few = run.steps.length <= maxPoints;
    const crossed = differs.map((is, k) => is && (few || differs.indexOf(true) === k));
    const line = colour(run.mode);
    const cross = colour("different");

    return {
      label: run.name,
      data: toPoints(run),
      borderColor: line,
      backgroundColor: line,
      borderWidth: !isReference ? 1.8 : few ? 5 : 3,
      borderDash: isReference ? [] : dashes[i % dashes.length],
      borderJoinStyle: "round",
      pointStyle: crossed.map((is) => (is ? "crossRot" : points[i % points.length])),
      pointRadius: crossed.map((is) => (is ? 5 : few && !isReference ? 2.5 : 0)),
      pointBorderColor: crossed.map((is) => (is ? cross : line)),
      pointBorderWidth: crossed.map((is) => (is ? 2 : 1)),
      pointHitRadius: 6,
      order: isReference ? 1 : 0,
      spanGaps: false,
    };
  }

  function axis(title) {
    return {
      title: { display: title !== "", text: title, color: colour("quiet") },
      ticks: { color: colour("quiet"), maxRotation: 0 },
      grid: { color: colour("line"), borderColor: colour("line") },
    };
  }

  /* Each run by its name; of many runs, each kind by that of the kind. */
  function toLegend(chart, runs) {
    const items = Chart.defaults.plugins.legend.labels.generateLabels(chart);
    const isFirst = (item) => runs.findIndex((run) => run.mode === runs[item.datasetIndex].mode) === item.datasetIndex;

    if (runs.length <= maxLegend)
      return items;

    return items.filter(isFirst).map((item) => Object.assign(item, { text: runs[item.datasetIndex].mode }));
  }

  function options(runs) {
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      plugins: {
        legend: {
          display: runs.length > 0,
          labels: {
            color: colour("text"),
            boxWidth: 28,
            boxHeight: 0,
            padding: 12,
            generateLabels: (chart) => toLegend(chart, runs),
            sort: (a, b) => a.datasetIndex - b.datasetIndex,
          },
        },
      },
    };
  }

  function drawCurves(canvas) {
    const runs = data.charts.find((chart) => chart.name === canvas.dataset.chart).runs;
    const reference = new Map();
    const settings = options(runs);

    for (const run of runs.filter((each) => each.mode === "continuous").slice(0, 1))
      run.steps.forEach((step, i) => reference.set(step, run.values[i]));

    settings.scales = { x: Object.assign(axis("step"), { type: "linear" }), y: axis("") };
    settings.scales.x.ticks.precision = 0;

    return new Chart(canvas, {
      type: "line",
      data: { datasets: runs.map((run, i) => toDataset(run, i, reference)) },
      options: settings,
      plugins: [drawn],
    });
  }

  function drawHistogram(canvas) {
    const settings = options([]);

    settings.scales = { x: axis("distance in ULP"), y: axis("elements") };
    settings.scales.y.ticks.precision = 0;

    return new Chart(canvas, {
      type: "bar",
      data: {
        labels: data.bins.map((bin) => bin.label),
        datasets: [
          {
            label: "elements",
            data: data.bins.map((bin) => bin.count),
            backgroundColor: colour("stop"),
            minBarLength: 2,
          },
        ],
      },
      options: settings,
      plugins: [drawn],
    });
  }

  function drawAll() {
    const charts = Array.from(document.querySelectorAll("canvas[data-chart]"), drawCurves);
    const histogram = document.getElementById("histogram");

    return histogram === null ? charts : charts.concat(drawHistogram(histogram));
  }

  let charts = drawAll();

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    charts.forEach((chart) => chart.destroy());
    charts = drawAll();
  });
})();
