/** The tables of docs/http-api.md: routes with their parameters and answers, and problems. */
import * as z from 'zod';
import { problemsOf } from '../http/api/openapi.ts';
import { PROBLEMS } from '../http/api/problems.ts';
import { ROUTES, type Route } from '../http/api/routes.ts';
import { markdownTable } from './markdown-table.ts';

type Schema = {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly default?: unknown;
};

const schemaOf = (type: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(type, { io }) as Schema;

function typeOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(', ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  return schema.type === undefined ? 'any' : [schema.type].flat().join(' or ');
}

/** The objects inside of a schema, and of its lists. */
function partsOf(schema: Schema): Readonly<Record<string, Schema>> {
  const inner = [schema, schema.items, ...(schema.anyOf ?? [])].find((part) => part?.properties);
  return inner?.properties ?? {};
}

/** A row for each field, fields of inner objects with their path. */
function fieldRows(schema: Schema, prefix = ''): string[][] {
  return Object.entries(partsOf(schema)).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const preset = field.default === undefined ? '' : `default \`${String(field.default)}\``;
    const words = [field.description ?? '', preset].filter((word) => word !== '').join('; ');
    return [[`\`${path}\``, typeOf(field), words], ...fieldRows(field, `${path}.`)];
  });
}

function section(title: string, type: z.ZodType | null | undefined, io: 'input' | 'output') {
  if (type == null) return '';
  const rows = fieldRows(schemaOf(type, io));
  return rows.length === 0
    ? ''
    : `\n${title}:\n\n${markdownTable(['field', 'type', 'meaning'], rows).trimEnd()}`;
}

/** Markdown: a heading for each route. Ends with a line end. */
export function renderRoutes(): string {
  return (Object.values(ROUTES) as Route[])
    .map((route) => {
      const { method, path, right, summary, query, body, answer, status, otherType } = route;
      const type = otherType === undefined ? '' : `, \`${otherType}\``;
      const codes = problemsOf(route).map((code) => `\`${code}\``);
      return [
        `### ${method} ${path}\n`,
        `${summary[0]?.toUpperCase()}${summary.slice(1)}.\n`,
        `Right: ${right === null ? 'none' : `\`${right}\``}. Answer: ${status}${type}. Problems: ${codes.join(', ')}.`,
        section('Query', query, 'input'),
        section('Body', body, 'input'),
        section('Answer', answer, 'output'),
      ]
        .filter((part) => part !== '')
        .join('\n');
    })
    .join('\n\n');
}

/** Markdown: a table of the problems. */
export function renderProblems(): string {
  const rows = Object.entries(PROBLEMS).map(([code, { status, title }]) => [
    `\`${code}\``,
    String(status),
    title,
  ]);
  return markdownTable(['code', 'status', 'meaning'], rows);
}
