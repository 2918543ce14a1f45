/** What all suites of a run share. */
import type { ChildProcess } from 'node:child_process';
import type { Idp } from '../test/peers/idp.ts';

export interface Stage {
  readonly generator: ChildProcess;
  readonly bare: { readonly pid: number; readonly port: number };
  readonly idp: Idp;
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  /** Connections whose memory is measured. */
  readonly heldConnections: number;
  /** Starts whose time is taken. */
  readonly starts: number;
  readonly say: (text: string) => void;
}
