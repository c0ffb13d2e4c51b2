/** The table of routes as an OpenAPI 3.1 document. Schemas of zod are JSON Schema 2020-12, as OpenAPI 3.1 wants them. */
import * as z from 'zod';
import { PROBLEMS, type ProblemCode } from './problems.ts';
import { ROUTES, type Route, type RouteName } from './routes.ts';
import { problem } from './schemas.ts';
import { HALF_HEADER } from './sessions.ts';

/** Problems that every route may answer with. */
const COMMON: readonly ProblemCode[] = [
  'invalid',
  'nameInvalid',
  'unauthenticated',
  'notAllowed',
  'internal',
  'notReady',
];
const OF_BODIES: readonly ProblemCode[] = ['bodyTooLarge', 'typeUnknown', 'originForeign'];

/** Codes of the problems of a route, as the table of problems orders them. */
export function problemsOf(route: Route): ProblemCode[] {
  const isUnsafe = route.method !== 'GET';
  const codes = new Set([...COMMON, ...(isUnsafe ? OF_BODIES : []), ...(route.problems ?? [])]);
  return (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => codes.has(code));
}

type Json = Record<string, unknown>;

function schemaOf(type: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...schema } = z.toJSONSchema(type, { io, target: 'draft-2020-12' });
  return schema;
}

function parametersOf({ path, query }: Route): Json[] {
  const named = /\{(\w+)\}/.exec(path)?.[1];
  const inPath =
    named === undefined
      ? []
      : [
          {
            ...{ name: named, in: 'path', required: true, schema: { type: 'string' } },
            description: 'bytes as %HH; `:` as %3A',
          },
        ];
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, type]) => {
    const { description, ...schema } = schemaOf(type as z.ZodType, 'input');
    return { name, in: 'query', required: false, schema, ...(description ? { description } : {}) };
  });
  return [...inPath, ...inQuery];
}

function responsesOf(route: Route): Json {
  const { status, answer, otherType } = route;
  const content: Json = {};
  if (answer !== null) content['application/json'] = { schema: schemaOf(answer, 'output') };
  if (otherType !== undefined) content[otherType] = { schema: {} };
  const done = { description: 'done', ...(Object.keys(content).length > 0 ? { content } : {}) };
  const responses: Json = { [status]: done };
  for (const code of problemsOf(route)) {
    const { status: other } = PROBLEMS[code];
    const before = responses[other] as { description: string } | undefined;
    responses[other] = {
      description: before === undefined ? `\`${code}\`` : `${before.description}, \`${code}\``,
      content: {
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      },
    };
  }
  return responses;
}

function operationOf(name: RouteName, route: Route): Json {
  const { summary, right, body } = route;
  const requestBody =
    body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        };
  return {
    operationId: name,
    summary,
    ...(right === null ? {} : { description: `Needs the right \`${right}\`.` }),
    parameters: parametersOf(route),
    ...requestBody,
    responses: responsesOf(route),
  };
}

/** The document; `version` is that of the server. */
export function openApiOf(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    paths[route.path] ??= {};
    (paths[route.path] as Json)[route.method.toLowerCase()] = operationOf(name, route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'geartrain',
      version,
      description: 'The JSON API of the control port.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { session: [] }, {}],
    paths,
    components: {
      schemas: { Problem: schemaOf(problem, 'output') },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: {
          ...{ type: 'apiKey', in: 'header', name: HALF_HEADER },
          description: 'together with the cookie that `POST /v1/session` has set',
        },
      },
    },
  };
}
