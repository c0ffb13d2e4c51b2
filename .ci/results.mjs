/**
 * Reads vitest's JSON results for .ci/run:
 *
 *   node results.mjs failed-files RESULT        prints the files with failed tests; exit 1 when there are none or too many
 *   node results.mjs summary STATUS FOLDER NAME...   names failed and unsteady tests, counts all; exit 1 unless all passed
 *
 * A run without a result file, or one whose files failed to load, is a failure.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** More than this is no accident: the first run's failures stand. */
const AGAIN_MAX = 6;

const [command, ...args] = process.argv.slice(2);
if (command === 'failed-files') printFailedFiles(args[0]);
else if (command === 'summary') summarize(args[0], args[1], args.slice(2));
else throw new Error(`unknown command: ${command}`);

function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function printFailedFiles(path) {
  const files = existsSync(path)
    ? read(path).testResults.filter(({ status }) => status === 'failed')
    : [];
  if (files.length === 0 || files.length > AGAIN_MAX) process.exit(1);
  console.log(files.map(({ name }) => relative(process.cwd(), name)).join(' '));
}

/** Tests by file and title. */
function testsOf(files) {
  const tests = new Map();
  for (const { name, assertionResults } of files)
    for (const test of assertionResults) tests.set(`${name}: ${test.fullName}`, test);
  return tests;
}

function summarize(status, folder, names) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  let isGood = status === '0';
  for (const name of names) {
    try {
      add(sum, folder, name);
    } catch (error) {
      console.log(`no result: ${name}: ${error.message}`);
      isGood = false;
    }
  }
  if (!isGood && sum.failed === 0) sum.failed = 1;
  process.exitCode = sum.failed === 0 ? 0 : 1;
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
}

function add(sum, folder, name) {
  const result = read(join(folder, `${name}.json`));
  const againPath = join(folder, `${name}-again.json`);
  const againFiles = existsSync(againPath) ? read(againPath).testResults : [];
  const again = testsOf(againFiles);
  const passedAgain = new Set(
    againFiles.filter(({ status }) => status === 'passed').map((file) => file.name),
  );
  sum.skipped += result.numPendingTests + result.numTodoTests;
  for (const file of result.testResults) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      const title = `${file.name}: ${test.fullName}`;
      const isUnsteady = test.status === 'failed' && again.get(title)?.status === 'passed';
      if (test.status === 'passed' || isUnsteady) sum.passed += 1;
      if (test.status !== 'failed') continue;
      failedHere += 1;
      if (!isUnsteady) sum.failed += 1;
      const message = test.failureMessages.join(' ').slice(0, 600);
      console.log(`${isUnsteady ? 'unsteady' : 'failed'}: ${title}: ${message}`);
    }
    if (file.status !== 'failed' || failedHere > 0) continue;
    const isUnsteady = passedAgain.has(file.name);
    console.log(`${isUnsteady ? 'unsteady' : 'failed to run'}: ${file.name}: ${file.message}`);
    if (!isUnsteady) sum.failed += 1;
  }
}
