/** The secret that a request must carry: `Authorization: Bearer TOKEN`. */
import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Returns a function that tests an Authorization header and takes the same time for every wrong token. */
export function tokenCheck(token: string): (header: string | undefined) => boolean {
  const wanted = digest(`Bearer ${token}`);
  return (header) => header !== undefined && timingSafeEqual(digest(header), wanted);
}
