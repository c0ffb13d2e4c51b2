/** Addresses of the API. Rule: a name is bytes; where it is not UTF-8 the server gives the form that a path takes. */

/** The segment of a function in a path: of the API, and of this page. */
export function segmentOf(row: { name: string; nameEscaped?: string | undefined }): string {
  return row.nameEscaped ?? encodeURIComponent(row.name);
}

/** The segment of a job's function. */
export function functionSegmentOf(row: {
  function: string;
  functionEscaped?: string | undefined;
}): string {
  return row.functionEscaped ?? encodeURIComponent(row.function);
}

/** A segment as a person reads it; what is not UTF-8 stays escaped. */
export function nameOf(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A query without what is empty. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(values))
    if (value !== undefined && value !== '') parts.push(`${key}=${encodeURIComponent(value)}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

export const pathOf = {
  function: (segment: string, verb = '') => `v1/functions/${segment}${verb}`,
  job: (handle: string, rest = '') => `v1/jobs/${encodeURIComponent(handle)}${rest}`,
  connection: (id: string) => `v1/connections/${encodeURIComponent(id)}`,
  bulk: (id: string) => `v1/bulk/${encodeURIComponent(id)}`,
};
