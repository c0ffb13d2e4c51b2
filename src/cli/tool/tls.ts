/** From TLS options to what `node:tls` and the library take. Rule: a file that cannot be read is told before connecting. */
import { readFileSync } from 'node:fs';
import type { ToolValues } from './tool-option.ts';

/** Settings of a connection by TLS, as `node:tls` names them. */
export interface TlsSettings {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly rejectUnauthorized: boolean;
}

const FILES = [
  { key: 'tlsCa', as: 'ca', label: '--tls-ca', variable: 'GEARMAND_CA_CERTIFICATE' },
  { key: 'tlsCert', as: 'cert', label: '--tls-cert', variable: 'GEARMAN_CLIENT_PEM' },
  { key: 'tlsKey', as: 'key', label: '--tls-key', variable: 'GEARMAN_CLIENT_KEY' },
] as const;

function read(path: string, label: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`read ${label} ${path}: ${code ?? message}`, { cause: error });
  }
}

/** TLS settings, or null when TLS is not wanted. Throws Error that names the file which cannot be read. */
export function tlsSettings(values: ToolValues, env: NodeJS.ProcessEnv): TlsSettings | null {
  const isOn = values.ssl === true || values.tlsInsecure === true;
  if (!isOn && FILES.every(({ key }) => values[key] === null)) return null;
  const files: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const { key, as, label, variable } of FILES) {
    const given = values[key] as string | null;
    const path = given ?? env[variable];
    if (path) files[as] = read(path, given === null ? variable : label);
  }
  return { ...files, rejectUnauthorized: values.tlsInsecure !== true };
}
