/**
 * The job servers of `client.admin`: one connection for the text protocol to each, opened at the first use. Rule: reads
 * return what the reachable servers answer; changes have to succeed on all.
 */
import { ArgumentError, CommandError, ConnectionError, TimeoutError } from '../../link/errors.ts';
import type { ConnectionSettings } from '../../link/settings.ts';
import { TextLink } from '../../link/text-link.ts';
import { isRefusal, isUnknownCommand, lackOf, refusalOf } from '../../link/text-reply.ts';
import { within } from '../../link/within.ts';
import type { AdminOptions } from './types.ts';

/** A text command. */
export interface Command {
  /** The line without its end, one character a byte. */
  readonly line: string;
  readonly isListing: boolean;
}

/** Reads the reply of one server. Throws Error when it is not what the command calls for. */
export type ReadReply<T> = (reply: string, server: string) => T;

export class AdminServers {
  readonly #links: readonly TextLink[];
  readonly #timeoutMs: number | null;

  /** `timeoutMs` is the default of calls; null = no limit. */
  constructor(settings: ConnectionSettings, timeoutMs: number | null) {
    this.#links = settings.endpoints.map((endpoint) => new TextLink(endpoint, settings));
    this.#timeoutMs = timeoutMs;
  }

  /** The servers that a call asks, in the order of the options. Throws ArgumentError for an unknown one. */
  linksOf({ server }: AdminOptions): readonly TextLink[] {
    if (server === undefined) return this.#links;
    const links = this.#links.filter(({ label }) => label === server);
    if (links.length > 0) return links;
    const known = this.#links.map(({ label }) => label).join(', ');
    throw new ArgumentError(`option server: ${String(server)}, allowed is ${known}`);
  }

  /** Asks one server. Rejects with CommandError, ConnectionError, TimeoutError or the signal's reason. */
  async ask<T>(
    link: TextLink,
    command: Command,
    options: AdminOptions,
    read: ReadReply<T>,
  ): Promise<T> {
    const reply = await within(
      link.ask(command.line),
      options,
      this.#timeoutMs,
      `admin command ${command.line.split(' ', 1)[0]}`,
      () => link.lastError,
    );
    if (isRefusal(reply, command.isListing)) throw refused(link.label, command, reply);
    try {
      return read(reply.toString(), link.label);
    } catch (error) {
      throw new ConnectionError(
        'ERR_GEARMAN_PROTOCOL',
        `job server ${link.label}: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /**
   * Asks all servers; resolves with the answers of those that can be reached. Rejects with the first error when no
   * server answers, and when one refuses.
   */
  async askReachable<T>(command: Command, options: AdminOptions, read: ReadReply<T>): Promise<T[]> {
    const answers = await this.#askAll(command, options, read);
    const errors = errorsOf(answers);
    const counting = errors.length === answers.length ? errors : errors.filter(isOfAnswer);
    if (counting.length > 0) throw counting[0];
    return valuesOf(answers);
  }

  /** Asks all servers, and waits for all. Rejects with the first error in the order of the servers. */
  async askEvery<T>(command: Command, options: AdminOptions, read: ReadReply<T>): Promise<T[]> {
    const answers = await this.#askAll(command, options, read);
    const errors = errorsOf(answers);
    if (errors.length > 0) throw errors[0];
    return valuesOf(answers);
  }

  /**
   * Asks one server after the other until one has the job that the command names, because several may give the same
   * handle. Resolves with its answer, or null when all have answered and none has it.
   */
  async askForJob<T>(
    command: Command,
    options: AdminOptions,
    read: ReadReply<T>,
  ): Promise<{ readonly answer: T } | null> {
    let failure: { error: unknown } | null = null;
    for (const link of this.linksOf(options)) {
      try {
        return { answer: await this.ask(link, command, options, read) };
      } catch (error) {
        if (!isUnknownJob(error)) failure ??= { error };
      }
    }
    if (failure !== null) throw failure.error;
    return null;
  }

  /** Ends all connections; pending commands end with `error`. */
  async close(error: ConnectionError): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close(error)));
  }

  #askAll<T>(
    command: Command,
    options: AdminOptions,
    read: ReadReply<T>,
  ): Promise<PromiseSettledResult<T>[]> {
    return Promise.allSettled(
      this.linksOf(options).map((link) => this.ask(link, command, options, read)),
    );
  }
}

function isUnknownJob(error: unknown): boolean {
  return error instanceof CommandError && error.serverCode === 'UNKNOWN_JOB';
}

function errorsOf(answers: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
}

function valuesOf<T>(answers: readonly PromiseSettledResult<T>[]): T[] {
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

/** Whether an error is more than a server that cannot be reached. */
function isOfAnswer(error: unknown): boolean {
  const isUnreached = error instanceof ConnectionError && error.code !== 'ERR_GEARMAN_PROTOCOL';
  return !isUnreached && !(error instanceof TimeoutError);
}

function refused(server: string, { line }: Command, reply: Buffer): CommandError {
  const refusal = refusalOf(reply);
  const { code, sentence } = refusal;
  return isUnknownCommand(refusal)
    ? new CommandError('ERR_GEARMAN_NO_COMMAND', server, code, lackOf(line))
    : new CommandError('ERR_GEARMAN_COMMAND', server, code, `refused: ${sentence || code}`);
}
