import type { AnalyticsSink } from '../analytics/sink.ts';
import { DatalakeChannels } from '../analytics/sinks/datalake-channels.ts';
import type { DeliveryPolicy } from '../domain/delivery-policy.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';
import { type Keyring, noKeyring } from '../secrets/keyring.ts';
import type { ClaimedEvent } from '../store/analytics-deliveries.ts';
import type { Database } from '../store/database.ts';
import { letSinkRest, noteSinkWorks, switchOffSink } from '../store/sink-health.ts';
import type { StoredSink } from '../store/sinks.ts';
import { deliverToSink, type DeliveryReport, type DeliveryRun } from './deliver-to-sink.ts';
import { openSink } from './open-sink.ts';
import { createSendFromSink } from './send-from-sink.ts';

export interface OrganizationSinksDeps {
  readonly db: Database;
  readonly gateway: HttpGateway;
  readonly policy: DeliveryPolicy;
  /** What opens their credentials. */
  readonly keys?: Keyring | undefined;
}

/**
 * Delivers to the sinks that organisations have set up. Each has few places on a worker, so that one that hangs leaves the
 * others theirs, and one that took nothing is left alone for a while.
 */
export class OrganizationSinks {
  readonly #deps: OrganizationSinksDeps;
  readonly #channels = new Map<string, DatalakeChannels>();
  /** Deliveries under way, by sink. */
  readonly #underWay = new Map<string, number>();

  constructor(deps: OrganizationSinksDeps) {
    this.#deps = deps;
  }

  /**
   * Delivers what `claim` takes up, as far as the sink has a place; answers how many it took up and how many are left of them.
   * Never rejects for what the sink does.
   */
  async deliver(
    run: Omit<DeliveryRun, 'send'>,
    stored: StoredSink,
    claim: () => Promise<readonly ClaimedEvent[]>,
  ): Promise<{ readonly taken: number; readonly left: number }> {
    const { id } = stored;
    const underWay = this.#underWay.get(id) ?? 0;
    if (underWay >= this.#deps.policy.placesOfSink) return { taken: 0, left: 0 };
    this.#underWay.set(id, underWay + 1);
    try {
      const events = await claim();
      if (events.length === 0) return { taken: 0, left: 0 };
      const report = await deliverToSink({ ...run, send: this.#sendFor(stored) }, this.#open(stored), events);
      await this.#noteHealth(stored, report);
      return { taken: events.length, left: report.left };
    } finally {
      const now = (this.#underWay.get(id) ?? 1) - 1;
      if (now > 0) this.#underWay.set(id, now);
      else this.#underWay.delete(id);
    }
  }

  close(): void {
    for (const channels of this.#channels.values()) channels.close();
  }

  /** One whose credentials do not open fails like one that is away: somebody may give the worker its key. */
  #open(stored: StoredSink): AnalyticsSink {
    const { keys = noKeyring } = this.#deps;
    try {
      return openSink({ keys, channelsOf: (organization) => this.#channelsOf(organization) }, stored);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      return { name: stored.id, deliver: () => Promise.reject(reason) };
    }
  }

  #sendFor({ organizationId }: StoredSink) {
    return createSendFromSink(this.#deps.gateway, this.#deps.policy.eventTimeoutMs, organizationId);
  }

  #channelsOf(organizationId: string): DatalakeChannels {
    const known = this.#channels.get(organizationId);
    if (known !== undefined) return known;
    const { gateway } = this.#deps;
    const opened = new DatalakeChannels((hostname, signal) => gateway.locate(hostname, signal, organizationId));
    this.#channels.set(organizationId, opened);
    return opened;
  }

  async #noteHealth(stored: StoredSink, { gone, away, delivered }: DeliveryReport): Promise<void> {
    const { db, policy } = this.#deps;
    if (gone !== null) await switchOffSink(db, stored, gone);
    else if (away !== null) {
      const atLeastMs = Math.min(away.retryAfterMs ?? 0, policy.longestRetryAfterMs);
      const rest = { firstMs: policy.firstRestMs, longestMs: policy.longestRestMs, atLeastMs };
      await letSinkRest(db, stored, away.error, rest);
    } else if (delivered > 0) await noteSinkWorks(db, stored);
  }
}
