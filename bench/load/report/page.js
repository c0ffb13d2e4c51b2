// Draws the plots of the report; runs in the browser, inlined behind uPlot and the figures.
// Rule: the tables say everything that a plot says, so the page is complete without this script.
(() => {
  const { plots } = JSON.parse(document.getElementById('figures').textContent);
  const digits = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
  const text = (value) => (value == null ? '-' : value.toFixed(digits(value)));

  for (const { id, labels, series, unit, isBars } of plots) {
    const at = labels.map((_, i) => i);
    // A flat line of one value has no range of its own on a logarithmic scale.
    const values = series.flatMap((one) => one.values).filter((value) => value > 0);
    const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
    const high = 10 ** Math.ceil(Math.log10(Math.max(...values) * 1.01));
    const options = {
      width: isBars ? 1100 : 540,
      height: 320,
      scales: {
        x: { time: false, range: [-0.5, labels.length - 0.5] },
        y: { distr: 3, range: [low, Math.max(high, low * 10)] },
      },
      axes: [
        {
          splits: () => at,
          values: () => labels,
          rotate: isBars ? -60 : 0,
          size: isBars ? 110 : 40,
          grid: { show: false },
        },
        {
          size: 70,
          label: unit,
          values: (_, splits) => splits.map((value) => (value == null ? '' : String(value))),
        },
      ],
      cursor: { drag: { x: false, y: false } },
      series: [
        { label: 'at', value: (_, i) => labels[Math.round(i)] ?? '-' },
        ...series.map(({ name, colour, isDashed }) => ({
          label: name,
          stroke: colour,
          fill: isBars && !isDashed ? `${colour}88` : undefined,
          fillTo: isBars ? 1 : undefined,
          width: 2,
          dash: isDashed ? [6, 4] : undefined,
          paths: isBars && !isDashed ? uPlot.paths.bars({ size: [0.6, 40] }) : undefined,
          points: { show: !isBars, size: 7 },
          spanGaps: true,
          value: (_, value) => text(value),
        })),
      ],
    };
    new uPlot(options, [at, ...series.map((one) => one.values)], document.getElementById(id));
  }
})();
