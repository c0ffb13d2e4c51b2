/** Where the databases are: libpq's connection strings and MySQL's option files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPeer } from '../../../src/store/database/load-peer.ts';
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

it('says which command installs a driver that is missing', () => {
  expect(() => loadPeer('no-such-driver', '1.2.3', 'postgres')).toThrow(
    'load no-such-driver for -q postgres: it is not installed; install it with: npm install no-such-driver@1.2.3',
  );
});
