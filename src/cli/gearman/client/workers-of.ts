/** Asks job servers by text command how many workers offer a function. */
import { readRows, statusRow } from '../../../link/listings.ts';
import { AdminConnection } from '../../tool/admin-connection.ts';
import type { Servers } from '../servers.ts';

const QUESTION_MS = 1000;

/** Workers that offer a function at the servers that answer soon; null when none answers. */
export async function workersOf(functionName: string, servers: Servers): Promise<number | null> {
  const counts = await Promise.all(
    servers.all.map(async (server) => {
      try {
        const options = { tls: servers.tls, token: servers.token, timeoutMs: QUESTION_MS };
        const connection = await AdminConnection.open(server, options);
        try {
          const text = await connection.askText('status');
          // The access rules do not allow the command.
          if (text.startsWith('ERR ')) return null;
          const rows = readRows(text, statusRow);
          return rows.find((row) => row.name === functionName)?.workers ?? 0;
        } finally {
          connection.close();
        }
      } catch {
        // The answer only helps to explain a silence; submits report the failure themselves.
        return null;
      }
    }),
  );
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
}
