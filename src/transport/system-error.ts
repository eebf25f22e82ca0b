/** An error of the system where Node has made none: with its name as `code`, as node:dgram's have. */
import { FuncoapError } from '../core/error.ts';

export class SystemError extends FuncoapError {
  readonly family = 'usage';

  constructor(code: string) {
    super(code, `the system says ${code}`);
  }
}
