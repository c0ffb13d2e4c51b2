/**
 * Reads bodies of JSON. Their bytes count in the account of the main thread while they are read; a body that comes too
 * slowly gives way when there is no room (bodies.ts). Rule: a body that is too large is refused before it is whole.
 */
import type { IncomingMessage } from 'node:http';
import type { Account } from '../../base/account.ts';
import { Bodies } from '../bodies.ts';
import { ApiProblem } from './problems.ts';

const BODY_BYTES_MAX = 1_500_000;
const BODIES_BYTES_MAX = 16 * 1024 * 1024;

export class JsonBodies {
  readonly #bodies: Bodies;

  constructor(account: Account) {
    this.#bodies = new Bodies(BODIES_BYTES_MAX, account);
  }

  /** The value of a body; `undefined` without one. Throws ApiProblem. */
  async read(request: IncomingMessage): Promise<unknown> {
    const { headers } = request;
    const announced = Number(headers['content-length'] ?? 0);
    if (announced === 0 && headers['transfer-encoding'] === undefined) return undefined;
    const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/json')
      throw new ApiProblem('typeUnknown', undefined, { Connection: 'close' });
    if (announced > BODY_BYTES_MAX) throw tooLarge();
    const bytes = await this.#bytesOf(request);
    if (bytes.length === 0) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      throw new ApiProblem('invalid', 'the body is not JSON in UTF-8');
    }
  }

  #bytesOf(request: IncomingMessage): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const body = this.#bodies.begin(performance.now(), () => request.destroy());
      const end = (problem: ApiProblem | null): void => {
        request.off('data', take);
        this.#bodies.release(body);
        if (problem === null) resolve(Buffer.concat(chunks));
        else reject(problem);
      };
      const take = (chunk: Buffer): void => {
        const hasRoom = this.#bodies.take(body, chunk.length, performance.now());
        if (body.bytes > BODY_BYTES_MAX) end(tooLarge());
        else if (!hasRoom) end(new ApiProblem('noMemory', 'there is no room for the body'));
        else chunks.push(chunk);
      };
      request.on('data', take);
      request.once('end', () => end(null));
      // Nobody reads the answer.
      request.once('close', () => end(new ApiProblem('invalid', 'the body is not whole')));
    });
  }
}

function tooLarge(): ApiProblem {
  const text = `at most ${BODY_BYTES_MAX} bytes are allowed`;
  return new ApiProblem('bodyTooLarge', text, { Connection: 'close' });
}
