/** Where the databases are: libpq's connection strings and MySQL's option files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installCommand, loadPeer, peerError } from '../../../src/store/database/load-peer.ts';
import { connectionOptions } from '../../../src/store/database/mysql/connection.ts';
import { readOptionFiles } from '../../../src/store/database/mysql/option-files.ts';
import { readConninfo } from '../../../src/store/database/postgres/conninfo.ts';

describe('a connection string of libpq', () => {
  it('has words, quotes and backslashes', () => {
    const text = String.raw`host = /run/x port=5433 user='a b' password='it\'s \\ here' dbname=jobs connect_timeout=3`;
    expect(readConninfo(text, {})).toMatchObject({
      host: '/run/x',
      port: 5433,
      user: 'a b',
      password: String.raw`it's \ here`,
      database: 'jobs',
      connectMs: 3000,
      ssl: false,
    });
  });

  it('may be a URI', () => {
    expect(
      readConninfo(
        'postgresql://me:p%40ss@db.example:6000/jobs?sslmode=require&options=-c%20a%3Db',
        {},
      ),
    ).toMatchObject({
      host: 'db.example',
      port: 6000,
      user: 'me',
      password: 'p@ss',
      database: 'jobs',
      options: '-c a=b',
      ssl: { rejectUnauthorized: false },
    });
    expect(readConninfo('postgres://[::1]/jobs', {})).toMatchObject({ host: '::1', port: 5432 });
    expect(readConninfo('postgresql://%2Frun%2Fpg/jobs', {}).host).toBe('/run/pg');
    expect(readConninfo('postgresql:///jobs?host=h&port=7', {})).toMatchObject({
      host: 'h',
      port: 7,
      database: 'jobs',
    });
  });

  it('leaves the rest to the PG variables', () => {
    const env = { PGHOST: 'there', PGPORT: '1234', PGUSER: 'u', PGPASSWORD: 'p' };
    expect(readConninfo('port=99', env)).toMatchObject({
      host: 'there',
      port: 99,
      user: 'u',
      database: 'u',
      password: 'p',
    });
    expect(readConninfo(null, env)).toMatchObject({ host: 'there', port: 1234 });
  });

  it('is refused with the word that is not understood, and without the password', () => {
    expect(() => readConninfo('host=a hots=b', {})).toThrow('the word hots is not served');
    expect(() => readConninfo("password='open", {})).toThrow(
      /^--libpq-conninfo: not understood from character 1 on$/,
    );
    expect(() => readConninfo('host=a,b', {})).toThrow('one host is served, not a,b');
    expect(() => readConninfo('port=none', {})).toThrow('port none is none');
    expect(() => readConninfo('sslmode=maybe', {})).toThrow('there is no sslmode maybe');
  });
});

describe('option files of MySQL', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'geartrain-cnf-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('count by group and order, with what they include', () => {
    mkdirSync(join(folder, 'more'));
    const main = join(folder, 'my.cnf');
    writeFileSync(
      main,
      `user = nobody\n[mysqld]\nport=1\n[client]\nuser=first # who\npassword="a#b"\n!includedir ${folder}/more\n`,
    );
    writeFileSync(join(folder, 'more', 'a.cnf'), '[gearmand]\nuser = second\ndatabase=jobs\n');
    writeFileSync(join(folder, 'more', 'a.txt'), '[gearmand]\nuser = third\n');
    expect(readOptionFiles([join(folder, 'none'), main])).toEqual({
      user: 'second',
      password: 'a#b',
      database: 'jobs',
    });
  });

  it('give way to options', () => {
    const place = { host: 'h', port: 3307, user: 'u', password: null, database: 'd' };
    const defaults = { host: 'x', port: '9', user: 'y', password: 'p', database: 'z' };
    expect(connectionOptions(place, defaults)).toMatchObject({
      host: 'h',
      port: 3307,
      user: 'u',
      password: 'p',
      database: 'd',
    });
    const plain = { host: 'localhost', port: 3306, user: null, password: null, database: null };
    expect(connectionOptions(plain, defaults)).toMatchObject({ host: 'x', port: 9, user: 'y' });
    expect(() => connectionOptions(plain, {})).toThrow('-q mysql needs --mysql-db');
  });
});

describe('a driver that is missing', () => {
  const peer = { name: '@no/such', version: '1.2.3' };
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  function folder(...path: string[]): { readonly base: string; readonly root: string } {
    const base = mkdtempSync(join(tmpdir(), 'geartrain-peer-'));
    folders.push(base);
    const root = join(base, ...path, 'geartrain');
    mkdirSync(root, { recursive: true });
    return { base, root };
  }

  it('is said with the command that installs it for a checkout, as a package of its own', () => {
    const root = resolve(import.meta.dirname, '../../..');
    expect(() => loadPeer(peer, 'mysql', '@no/such/part')).toThrow(
      `load @no/such for -q mysql: it is not installed; install it with: npm install --no-save --save-dev --prefix ${root} @no/such@1.2.3`,
    );
  });

  it('belongs to the project that this package is installed in', () => {
    const { base, root } = folder('project', 'node_modules');
    writeFileSync(join(base, 'project', 'package.json'), '{}');
    expect(installCommand(peer, root)).toBe(`npm install --prefix ${base}/project @no/such@1.2.3`);
  });

  it('belongs beside a global installation', () => {
    const { base, root } = folder('lib', 'node_modules');
    expect(installCommand(peer, root)).toBe(`npm install -g --prefix ${base} @no/such@1.2.3`);
  });

  it('is said so that a shell takes its folder as one word', () => {
    const { base, root } = folder("it's here", 'lib', 'node_modules');
    expect(installCommand(peer, root)).toBe(
      `npm install -g --prefix '${base}/it'\\''s here' @no/such@1.2.3`,
    );
  });

  it('that is there and does not load is built anew', () => {
    const error = peerError(new Error('wrong version\nof Node'), peer, 'libsqlite3');
    expect(error.message).toMatch(
      /^load @no\/such for -q libsqlite3: wrong version; build it anew with: npm rebuild --prefix \S+ @no\/such$/,
    );
  });
});
