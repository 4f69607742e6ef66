/** Times as commands read and print them: RFC 3339. */

/** Whole seconds, UTC: `2026-03-01T09:30:00Z`. */
export const formatSeconds = (atMs: number): string => `${new Date(Math.floor(atMs)).toISOString().slice(0, 19)}Z`;

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/i;

/** Milliseconds since the epoch, with a fraction where the text has more digits; undefined for anything else. */
export const parseTime = (text: string): number | undefined => {
  const [, date = '', time = '', fraction = '', zone = ''] = RFC_3339.exec(text) ?? [];
  if (date === '') return undefined;
  const atMs = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  if (Number.isNaN(atMs)) return undefined;
  // The 30th of February is a date in JavaScript, the 2nd of March.
  if (new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date) return undefined;
  // Digits behind the third are kept as a fraction; the first three stay exact.
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'));
  return atMs + milliseconds + Number(`0.${fraction.slice(3) || '0'}`);
};
