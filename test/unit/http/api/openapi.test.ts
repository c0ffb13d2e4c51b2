/** The document of the JSON API: valid, and enough for a typed client. */
import { Validator } from '@seriousme/openapi-schema-validator';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { openApiOf } from '../../../../src/http/api/openapi.ts';
import { PROBLEMS } from '../../../../src/http/api/problems.ts';
import { ROUTES, type Route } from '../../../../src/http/api/routes.ts';

const documentOf = () => JSON.parse(JSON.stringify(openApiOf('1.2.3')));

it('is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(documentOf());
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect(validator.version).toBe('3.1');
});

it('has every route, and every status that its problems have', () => {
  const { paths } = documentOf();
  for (const [name, route] of Object.entries(ROUTES) as [string, Route][]) {
    const operation = paths[route.path][route.method.toLowerCase()];
    expect(operation.operationId).toBe(name);
    const statuses = Object.keys(operation.responses).map(Number);
    expect(statuses).toContain(route.status);
    for (const code of route.problems ?? []) expect(statuses).toContain(PROBLEMS[code].status);
  }
});

/** A program that uses the generated types: what it says must be what the types say. */
const PROGRAM = `
declare function fetch(url: string): Promise<{ json(): Promise<unknown> }>;
import type { paths, operations } from './api.ts';
type Page = paths['/v1/jobs']['get']['responses'][200]['content']['application/json'];
export async function handlesOf(base: string): Promise<string[]> {
  const response = await fetch(base + '/v1/jobs?limit=500');
  const page = (await response.json()) as Page;
  return page.jobs.map((job) => job.handle + (job.unique ?? '') + job.state);
}
export const body: operations['submit']['requestBody']['content']['application/json'] = {
  function: 'mail', workload: 'x', priority: 'high',
};
// @ts-expect-error There is no such priority.
body.priority = 'highest';
// @ts-expect-error There is no such path.
export type Unknown = paths['/v1/job'];
`;

it('gives a client that compiles, and one that finds a mistake', async () => {
  const api = astToString(await openapiTS(documentOf()));
  const problemsOf = (program: string): string[] => {
    const files: Record<string, string> = {
      ...{ '/made/api.ts': api, '/made/program.ts': program },
    };
    const options: ts.CompilerOptions = {
      ...{ strict: true, noEmit: true, types: [], lib: ['lib.es2023.d.ts'] },
      ...{ module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
      ...{ target: ts.ScriptTarget.ES2023, allowImportingTsExtensions: true },
    };
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists, readFile } = host;
    host.fileExists = (path) => path in files || fileExists(path);
    host.readFile = (path) => files[path] ?? readFile(path);
    host.getSourceFile = (path, version) =>
      path in files
        ? ts.createSourceFile(path, files[path] as string, version)
        : getSourceFile(path, version);
    host.directoryExists = () => true;
    const made = ts.createProgram(['/made/program.ts'], options, host);
    return ts
      .getPreEmitDiagnostics(made)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  };
  expect(problemsOf(PROGRAM)).toEqual([]);
}, 60_000);
