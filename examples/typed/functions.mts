/**
 * What the functions take and return, in one module for the client and the worker. It has types only, so it leaves
 * nothing in the compiled programs.
 */
export interface Functions {
  add: { input: number[]; output: number };
  greet: { input: { name: string; language?: 'en' | 'de' }; output: string };
}
