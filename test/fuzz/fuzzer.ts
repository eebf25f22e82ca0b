/**
 * Throws datagrams at a gateway, one after the other: nearly right ones, spoiled ones, random ones, from several peers and by
 * multicast, time passing between them; and asks the oracle about everything that comes back.
 *
 * Every `epochDatagrams` time moves past every lifetime, and then nothing may be left of what went before.
 */
import type { EngineCounters } from '../../src/coap/engine.ts';
import type { Datagram } from '../../src/core/datagram.ts';
import { minutes } from '../../src/core/duration.ts';
import { Chance } from './chance.ts';
import { readCorpus } from './corpus.ts';
import { Generator } from './generator.ts';
import { mutate } from './mutator.ts';
import { Oracle, type Sent } from './oracle.ts';
import { PollutionWatch } from './pollution.ts';
import { fuzzLimits, Stack } from './stack.ts';
import { Violation } from './violation.ts';

const epochDatagrams = 10_000;
/** What a failure is told with: enough to repeat it where it needs a history. */
const rememberedDatagrams = 40;
/** Past EXCHANGE_LIFETIME, the lifetime of transfers, and all retransmissions of all that waits for its turn. */
const pastEverything = minutes(60);

const peers = ['near-1', 'near-2', 'near-3', 'far-1', 'far-2', 'far-3'] as const;

export interface FuzzReport {
  readonly datagrams: number;
  /** Answers by code, and Empty messages. */
  readonly answers: ReadonlyMap<number, number>;
}

/** The datagrams before it, and what was wrong. */
export class Finding extends Error {
  override readonly name = 'Finding';
  readonly history: readonly Sent[];

  constructor(history: readonly Sent[], cause: unknown) {
    super(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { cause });
    this.history = history;
  }
}

export class Fuzzer {
  readonly #stack: Stack;
  readonly #chance: Chance;
  readonly #generator: Generator;
  readonly #oracle = new Oracle();
  readonly #pollution = new PollutionWatch();
  readonly #corpus: readonly Uint8Array[] = readCorpus().flatMap((one) =>
    one.datagrams.map((datagram) => datagram.bytes),
  );
  readonly #answers = new Map<number, number>();
  #history: Sent[] = [];
  #datagrams = 0;

  private constructor(stack: Stack, chance: Chance) {
    this.#stack = stack;
    this.#chance = chance;
    this.#generator = new Generator(chance);
  }

  static async open(seed: number): Promise<Fuzzer> {
    const chance = new Chance(seed);
    return new Fuzzer(await Stack.open({ uniform: () => chance.uniform() }), chance);
  }

  get report(): FuzzReport {
    return { datagrams: this.#datagrams, answers: this.#answers };
  }

  /** @throws Finding */
  async run(datagrams: number): Promise<void> {
    for (let left = datagrams; left > 0; left--) {
      await this.send(this.#next());
      if (this.#datagrams % epochDatagrams === 0) await this.settle();
    }
  }

  /** @throws Finding */
  async send(sent: Sent): Promise<void> {
    this.#datagrams++;
    this.#history.push(sent);
    if (this.#history.length > rememberedDatagrams) this.#history.shift();
    try {
      this.#oracle.sending(sent);
      const outputs = await this.#stack.send(sent.bytes, sent.peer, sent.multicast);
      this.#oracle.answered(sent, outputs);
      this.#hear(outputs);
      await this.#passTime();
      checkBounds(this.#stack.engine.counters());
    } catch (error) {
      throw new Finding([...this.#history], error);
    }
  }

  /** Time moves past everything: what was kept for peers must be gone. @throws Finding */
  async settle(): Promise<void> {
    try {
      this.#oracle.passed(await this.#stack.release());
      this.#oracle.passed(await this.#stack.advance(pastEverything));
      this.#oracle.passed(await this.#stack.release());
      this.#oracle.passed(await this.#stack.advance(pastEverything));
      checkNothingLeft(this.#stack.engine.counters());
      this.#pollution.check();
    } catch (error) {
      throw new Finding([...this.#history], error);
    }
    this.#oracle.reset();
    this.#history = [];
  }

  async close(): Promise<void> {
    await this.#stack.close();
  }

  #next(): Sent {
    const chance = this.#chance;
    const repeated = this.#history.at(-1 - chance.below(4));
    if (repeated !== undefined && chance.oneIn(12)) return repeated;
    const peer = chance.oneIn(200) ? `passing-${chance.below(1000)}` : chance.pick(peers);
    return { bytes: this.#bytes(), peer, multicast: chance.oneIn(25) };
  }

  #bytes(): Uint8Array {
    const chance = this.#chance;
    switch (chance.below(8)) {
      case 0:
        return chance.bytes(chance.below(80));
      case 1:
        return mutate(chance.pick(this.#corpus) ?? this.#generator.message(), chance, this.#generator.message());
      case 2:
      case 3:
      case 4:
        return mutate(this.#generator.message(), chance, this.#generator.message());
      default:
        return this.#generator.message();
    }
  }

  async #passTime(): Promise<void> {
    const chance = this.#chance;
    if (chance.oneIn(20)) {
      const outputs = await this.#stack.release();
      this.#oracle.passed(outputs);
      this.#hear(outputs);
    }
    if (!chance.oneIn(4)) return;
    const outputs = await this.#stack.advance(chance.oneIn(50) ? chance.below(60_000) : chance.below(400));
    this.#oracle.passed(outputs);
    this.#hear(outputs);
  }

  #hear(outputs: readonly Datagram[]): void {
    for (const { bytes } of outputs) {
      this.#generator.hear(bytes);
      const code = bytes[1] ?? 0;
      this.#answers.set(code, (this.#answers.get(code) ?? 0) + 1);
    }
  }
}

/** A record or a body more than the limit may be there until it is counted. */
const slackBytes = 70_000;

function checkBounds(counters: EngineCounters): void {
  const limits: Partial<Record<keyof EngineCounters, number>> = {
    peers: fuzzLimits.maxPeers,
    pending: fuzzLimits.maxPending,
    unsafeRecords: fuzzLimits.maxUnsafeRecords,
    safeRecordBytes: fuzzLimits.maxSafeRecordBytes + slackBytes,
    assemblyBytes: fuzzLimits.maxAssemblyBytes,
    keptBytes: fuzzLimits.maxKeptBytes,
    observations: fuzzLimits.maxObservations,
  };
  for (const [name, limit] of Object.entries(limits)) {
    const value = counters[name as keyof EngineCounters];
    if (value < 0 || value > limit) throw new Violation(`${name} is ${value}, the limit ${limit}`);
  }
}

const mustBeGone = [
  'pending',
  'timers',
  'observations',
  'unsafeRecords',
  'safeRecords',
  'safeRecordBytes',
  'assemblyBytes',
  'keptBytes',
] as const satisfies readonly (keyof EngineCounters)[];

function checkNothingLeft(counters: EngineCounters): void {
  const left = mustBeGone.filter((name) => counters[name] !== 0);
  if (left.length > 0)
    throw new Violation(
      `when all is over there is left: ${left.map((name) => `${name} ${counters[name]}`).join(', ')}`,
    );
}
