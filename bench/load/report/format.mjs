// How figures look, on the terminal, in Markdown and in the report. A figure that is not known is `-`.

const digitsOf = (value) => (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
const orDash = (text) => (value) => (Number.isFinite(value) ? text(value) : '-');

/** Three digits that matter. */
export const figure = orDash((value) => value.toFixed(digitsOf(value)));
/** A whole number with separators. */
export const count = orDash((value) => Math.round(value).toLocaleString('en'));
/** A part of one as percent. */
export const percent = orDash((value) => `${Math.round(value * 100)}%`);

/** `2.31x`, large ones without fraction. */
export const times = orDash((value) =>
  value >= 100 ? `${Math.round(value)}x` : `${value.toFixed(value >= 10 ? 1 : 2)}x`,
);

/** `2.31x (2.11-2.45)`: ratio of medians, least and greatest of single rounds. */
export function spread({ value, min, max } = {}) {
  if (!Number.isFinite(value)) return '-';
  if (!Number.isFinite(min) || min === max) return times(value);
  return `${times(value)} (${times(min).slice(0, -1)}-${times(max).slice(0, -1)})`;
}
