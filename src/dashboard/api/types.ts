/** The shapes of the JSON API as this program gets them. Rule: they are those of the server; nothing is declared twice. */
import type { infer as Infer } from 'zod';
import type * as s from '../../http/api/schemas.ts';

export type { RouteName } from '../../http/api/routes.ts';
export type {
  AuditEntry,
  BulkTask,
  ConnectionRow,
  FunctionRow,
  JobRow,
  JobView,
  PolicyView,
  Problem,
  RightName,
} from '../../http/api/schemas.ts';
export type ServerView = Infer<typeof s.serverView>;
export type FunctionView = Infer<typeof s.functionView>;
export type FunctionsPage = Infer<typeof s.functionsPage>;
export type JobsPage = Infer<typeof s.jobsPage>;
export type AttemptsView = Infer<typeof s.attemptsView>;
export type RunError = AttemptsView['errors'][number];
export type WorkloadView = Infer<typeof s.workloadView>;
export type ConnectionsPage = Infer<typeof s.connectionsPage>;
export type ShardsView = Infer<typeof s.shardsView>;
export type StoresView = Infer<typeof s.storesView>;
export type OptionsView = Infer<typeof s.optionsView>;
export type LogLevelView = Infer<typeof s.logLevelView>;
export type AuditPage = Infer<typeof s.auditPage>;
export type StateResult = Infer<typeof s.stateResult>;
export type SubmitResult = Infer<typeof s.submitResult>;
export type BulkBody = Infer<typeof s.bulkBody>;
export type BulkFilter = Infer<typeof s.bulkFilter>;

/** A function with what a change of its policy needs. */
export interface KnownFunction {
  readonly view: FunctionView;
  /** As paths have it. */
  readonly segment: string;
  /** Of its policy. */
  readonly etag: string | null;
}
