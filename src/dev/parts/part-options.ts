import type { Config } from '../../config/config.ts';
import type { Log } from '../../observability/log.ts';
import type { ClosingOrder } from '../closing-order.ts';
import type { Screen } from '../screen.ts';

/** What every part of the system is started with. */
export interface PartOptions {
  readonly config: Config;
  readonly screen: Screen;
  readonly log: Log;
  /** Each part adds itself as soon as it is open. */
  readonly closing: ClosingOrder;
}
