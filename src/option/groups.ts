/** Headings of gearmand's help and docs/options.md, in their order. */
export const OptionGroup = {
  listen: 'Listening',
  tls: 'TLS',
  access: 'Access',
  jobs: 'Jobs and workers',
  limits: 'Limits',
  process: 'Process',
  log: 'Log and warnings',
  control: 'Control port and metrics',
  plugins: 'Stores and protocols',
  ignored: 'Accepted for compatibility',
} as const;
export type OptionGroup = (typeof OptionGroup)[keyof typeof OptionGroup];
