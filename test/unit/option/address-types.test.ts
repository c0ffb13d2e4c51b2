/** Addresses as values of options. */
import { expect, test } from 'vitest';
import { findService } from '../../../src/option/address-types.ts';

test('services are found by name and alias, for tcp only', () => {
  const services = '# text\nntp 123/udp\nntp\t124/tcp  time-server # old\nbad x/tcp\n';
  expect(findService('ntp', services)).toBe(124);
  expect(findService('time-server', services)).toBe(124);
  expect(findService('bad', services)).toBeUndefined();
  expect(findService('text', services)).toBeUndefined();
});
