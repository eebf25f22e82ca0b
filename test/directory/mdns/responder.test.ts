/** The responder against RFC 6762, on a link of the test's with a clock that stands still. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Answers } from '../../../src/directory/mdns/answers.ts';
import { milliseconds } from '../../../src/core/duration.ts';
import type { Address } from '../../../src/core/datagram.ts';
import {
  decodeDnsMessage,
  emptyMessage,
  encodeDnsMessage,
  recordType,
  sameRecord,
  type DnsMessage,
  type Name,
  type ResourceRecord,
} from '../../../src/directory/mdns/message.ts';
import { Search } from '../../../src/directory/mdns/one-shot.ts';
import { attributes, hostAddress, location, noOthers, pointer } from '../../../src/directory/mdns/records.ts';
import { Responder } from '../../../src/directory/mdns/responder.ts';
import { ManualScheduler } from '../../../src/transport/manual-scheduler.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const coap: Name = ['_coap', '_udp', 'local'];
const instance: Name = ['funcoap on pi', ...coap];
const service = { type: 'coap', port: 5683, addresses: ['192.0.2.1', '2001:db8::1'] } as const;
const neighbour: Address = { address: '192.0.2.9', port: 5353 };

interface Sent {
  readonly message: DnsMessage;
  /** Undefined: to the group. */
  readonly to: Address | undefined;
}

class Link {
  readonly scheduler = new ManualScheduler();
  readonly #sent: Sent[] = [];
  readonly responder: Responder;

  constructor(others: readonly ResourceRecord[] = []) {
    const sent = (bytes: Uint8Array, to?: Address): void => {
      const message = decodeDnsMessage(bytes);
      if (message === undefined) throw new Error('not a DNS message');
      this.#sent.push({ message, to });
    };
    this.responder = new Responder({
      scheduler: this.scheduler,
      uniform: () => 0.5,
      multicast: (bytes) => sent(bytes),
      unicast: sent,
      instance: 'funcoap on pi',
      host: 'funcoap-pi',
      isOurs: (record) => others.some((one) => sameRecord(one, record)),
    });
  }

  /** What was sent since the last look. */
  sent(): Sent[] {
    return this.#sent.splice(0);
  }

  pass(ms: number): Sent[] {
    this.scheduler.advance(milliseconds(ms));
    return this.sent();
  }

  hear(message: Partial<DnsMessage>, from = neighbour): Sent[] {
    this.responder.receive(encodeDnsMessage({ ...emptyMessage, ...message }), from);
    return this.sent();
  }

  ask(name: Name, type: number, more: Partial<DnsMessage> & { unicast?: boolean } = {}, from = neighbour): Sent[] {
    const { unicast = false, ...rest } = more;
    return this.hear({ questions: [{ name, type, unicast }], ...rest }, from);
  }

  /** Probes and announcements are over, and everything may be multicast again. */
  announced(): this {
    this.responder.announce([service]);
    this.pass(10_000);
    return this;
  }
}

const types = (records: readonly ResourceRecord[] | undefined): number[] =>
  (records ?? []).map(({ type }) => type).toSorted((a, b) => a - b);
const labels = (records: readonly ResourceRecord[] | undefined): string[] => [
  ...new Set((records ?? []).map(({ name }) => name[0] ?? '')),
];
const { A, AAAA, ANY, NSEC, PTR, SRV, TXT } = recordType;

describe('probing (RFC 6762 §8.1)', () => {
  it('asks three times, 250 ms apart, for each name, and says what it would answer', () => {
    const link = new Link();
    link.responder.announce([service]);
    const times: number[] = [];
    for (let ms = 0; ms < 700; ms += 25) for (const _ of link.pass(25)) times.push(ms + 25);
    expect(times).toEqual([125, 375, 625]);
    const other = new Link();
    other.responder.announce([service]);
    const [first] = other.pass(125);
    expect(first?.message.questions).toEqual([
      { name: instance, type: ANY, unicast: false },
      { name: ['funcoap-pi', 'local'], type: ANY, unicast: false },
    ]);
    expect(types(first?.message.authorities)).toEqual([A, TXT, AAAA, SRV]);
    expect(first?.message.authorities.some(({ flush }) => flush)).toBe(false);
  });

  it('answers nothing before it has its name', () => {
    const link = new Link();
    link.responder.announce([service]);
    link.pass(300);
    expect(link.ask(coap, PTR)).toEqual([]);
    expect(link.pass(70)).toEqual([]);
  });

  it('takes another name where the first is taken', () => {
    const link = new Link();
    link.responder.announce([service]);
    link.pass(300);
    link.hear({ response: true, answers: [location(instance, 1, ['other', 'local'])] });
    const [probe] = link.pass(150);
    expect(labels(probe?.message.authorities)).toEqual(['funcoap on pi (2)', 'funcoap-pi-2']);
  });

  /** Somebody says that the name is theirs, as soon as it is probed for. @returns how long that took */
  const conflict = (link: Link): number => {
    for (let ms = 0; ms < 10_000; ms += 25) {
      const probe = link.pass(25).find(({ message }) => message.questions.length > 0);
      const [name] = probe?.message.questions.map((question) => question.name) ?? [];
      if (name === undefined) continue;
      link.hear({ response: true, answers: [location(name, 1, ['other', 'local'])] });
      return ms + 25;
    }
    throw new Error('no probe');
  };

  it('waits five seconds before each further attempt after fifteen conflicts within ten seconds', () => {
    const link = new Link();
    link.responder.announce([service]);
    const waits = Array.from({ length: 18 }, () => conflict(link));
    expect(waits).toEqual([...Array.from({ length: 15 }, () => 125), 5000, 5000, 5000]);
  });

  it('does not where they took longer than that, or once it has had a name', () => {
    const link = new Link();
    link.responder.announce([service]);
    for (let at = 0; at < 20; at++) {
      expect(conflict(link)).toBe(125);
      // It has the name, and somebody takes it every two seconds.
      link.pass(2_000);
      link.hear({ response: true, answers: [location([`funcoap on pi (${at + 2})`, ...coap], 1, ['other', 'local'])] });
    }
    const other = new Link();
    other.responder.announce([service]);
    for (let at = 0; at < 16; at++) conflict(other);
    other.pass(30_000);
    const taken = location(['funcoap on pi (17)', ...coap], 1, ['other', 'local']);
    other.hear({ response: true, answers: [taken] });
    expect(other.pass(125)).toHaveLength(1);
  });

  it.each([
    ['later: it waits a second', 9, 1000],
    ['earlier: it goes on', 0, 250],
  ])('decides a tie by whose records come %s (§8.2)', (_, last, next) => {
    const link = new Link();
    link.responder.announce([service]);
    link.pass(125);
    const authorities = [attributes(instance, [`txtvers=${last}`])];
    link.ask(instance, ANY, { authorities });
    expect(link.pass(next - 10)).toEqual([]);
    expect(link.pass(10)).toHaveLength(1);
  });

  it('is not beaten by its own gateway on another link, nor is it in conflict with who says what there is not', () => {
    const later = attributes(instance, ['txtvers=9']);
    const link = new Link([later]);
    link.responder.announce([service]);
    link.pass(125);
    link.ask(instance, ANY, { authorities: [later] });
    expect(link.pass(250)).toHaveLength(1);
    link.hear({ response: true, answers: [noOthers(instance, [TXT])] });
    expect(labels(link.pass(250)[0]?.message.authorities)).toEqual(['funcoap on pi', 'funcoap-pi']);
  });

  it('is not beaten by a probe of the same records, such as its own', () => {
    const link = new Link();
    link.responder.announce([service]);
    const [own] = link.pass(125);
    link.hear({ questions: own?.message.questions ?? [], authorities: own?.message.authorities ?? [] });
    expect(link.pass(250)).toHaveLength(1);
  });

  it('is not disturbed by what the same gateway says on another link', () => {
    const elsewhere = hostAddress(['funcoap-pi', 'local'], '198.51.100.7');
    const link = new Link([elsewhere]);
    link.responder.announce([service]);
    link.pass(130);
    const own = (record: ResourceRecord): boolean => record.data.join('.') === '198.51.100.7';
    const tolerant = new Responder({
      scheduler: link.scheduler,
      uniform: () => 0.5,
      multicast: () => undefined,
      unicast: () => undefined,
      instance: 'funcoap on pi',
      host: 'funcoap-pi',
      isOurs: own,
    });
    tolerant.announce([service]);
    link.pass(130);
    tolerant.receive(encodeDnsMessage({ ...emptyMessage, response: true, answers: [elsewhere] }), neighbour);
    expect(tolerant.records.some(({ name }) => name[0] === 'funcoap-pi')).toBe(true);
  });
});

describe('announcing (RFC 6762 §8.3)', () => {
  it('says everything twice, a second apart, and then nothing more', () => {
    const link = new Link();
    link.responder.announce([service]);
    link.pass(125 + 749);
    const [first] = link.pass(1);
    expect(first?.message.response).toBe(true);
    expect(types(first?.message.answers)).toEqual([A, PTR, PTR, TXT, AAAA, SRV]);
    expect(first?.message.answers.filter(({ flush }) => !flush).map(({ type }) => type)).toEqual([PTR, PTR]);
    expect(link.pass(999)).toEqual([]);
    expect(link.pass(1)).toHaveLength(1);
    expect(link.pass(60_000)).toEqual([]);
  });

  it('says goodbye to what is gone, and the new at once (§8.4, §10.1)', () => {
    const link = new Link().announced();
    link.responder.announce([{ ...service, addresses: ['192.0.2.1'] }]);
    const [goodbye, again] = link.sent();
    expect(goodbye?.message.answers.map(({ type, ttlSeconds }) => [type, ttlSeconds])).toEqual([[AAAA, 0]]);
    expect(types(again?.message.answers)).toEqual([A, PTR, PTR, TXT, SRV]);
  });

  it('says goodbye to all on close', () => {
    const link = new Link().announced();
    link.responder.close();
    const [goodbye] = link.sent();
    expect(goodbye?.message.answers).toHaveLength(6);
    expect(goodbye?.message.answers.every(({ ttlSeconds }) => ttlSeconds === 0)).toBe(true);
    expect(link.ask(coap, PTR)).toEqual([]);
    expect(link.pass(60_000)).toEqual([]);
  });

  it('says nothing on close before it has its name', () => {
    const link = new Link();
    link.responder.announce([service]);
    link.pass(200);
    link.responder.close();
    expect(link.pass(5_000)).toEqual([]);
  });
});

describe('answers (RFC 6762 §6)', () => {
  it('to what others may answer too wait 20 to 120 ms, and bring what will be asked next', () => {
    const link = new Link().announced();
    expect(link.ask(coap, PTR)).toEqual([]);
    expect(link.pass(69)).toEqual([]);
    const [answer] = link.pass(1);
    expect(answer?.to).toBeUndefined();
    expect(answer?.message.answers).toEqual([pointer(coap, instance)]);
    expect(types(answer?.message.additionals)).toEqual([A, TXT, AAAA, SRV]);
  });

  it('to what only this host knows leave at once', () => {
    const link = new Link().announced();
    const [answer] = link.ask(instance, SRV);
    expect(types(answer?.message.answers)).toEqual([SRV]);
    expect(types(answer?.message.additionals)).toEqual([A, AAAA]);
  });

  it('find names whatever their case, and types by ANY', () => {
    const link = new Link().announced();
    const [answer] = link.ask(['FUNCOAP on PI', '_CoAP', '_UDP', 'LOCAL'], ANY);
    expect(types(answer?.message.answers)).toEqual([TXT, SRV]);
  });

  it('list the types of services (RFC 6763 §9)', () => {
    const link = new Link().announced();
    link.ask(['_services', '_dns-sd', '_udp', 'local'], PTR);
    expect(link.pass(120)[0]?.message.answers).toEqual([pointer(['_services', '_dns-sd', '_udp', 'local'], coap)]);
  });

  it('say that there is no such record of a name of its own (§6.1)', () => {
    const link = new Link();
    link.responder.announce([{ ...service, addresses: ['192.0.2.1'] }]);
    link.pass(10_000);
    const [answer] = link.ask(['funcoap-pi', 'local'], AAAA);
    expect(types(answer?.message.answers)).toEqual([NSEC]);
  });

  it('say nothing of records that others may have of a name that all share', () => {
    const link = new Link().announced();
    expect([...link.ask(coap, A), ...link.pass(500)]).toEqual([]);
  });

  it('are not given to what the asker knows already, unless it will forget it soon (§7.1)', () => {
    const link = new Link().announced();
    const known = pointer(coap, instance);
    link.ask(coap, PTR, { answers: [known] });
    expect(link.pass(500)).toEqual([]);
    link.ask(coap, PTR, { answers: [{ ...known, ttlSeconds: known.ttlSeconds / 2 - 1 }] });
    expect(link.pass(500)).toHaveLength(1);
  });

  it('wait for the rest of what the asker knows (§7.2)', () => {
    const link = new Link().announced();
    link.ask(coap, PTR, { truncated: true });
    link.hear({ answers: [pointer(coap, instance)] });
    expect(link.pass(2_000)).toEqual([]);
    link.ask(coap, PTR, { truncated: true });
    expect(link.pass(449)).toEqual([]);
    // To this one nobody said that it knows; then it waits as others do.
    expect(link.pass(200)).toHaveLength(1);
  });

  it('are given to sixteen askers at a time that have more to say', () => {
    const link = new Link().announced();
    const from = (last: number): Address => ({ address: `192.0.2.${last}`, port: 5353 });
    for (let last = 1; last <= 16; last++)
      link.ask(['_other', '_udp', 'local'], PTR, { truncated: true }, from(100 + last));
    link.ask(coap, PTR, { truncated: true }, from(200));
    expect(link.pass(2_000)).toEqual([]);
    link.ask(coap, PTR, { truncated: true }, from(200));
    expect(link.pass(2_000)).toHaveLength(1);
  });

  it('are multicast once a second, but to a probe after 250 ms', () => {
    const link = new Link().announced();
    expect(link.ask(instance, SRV)).toHaveLength(1);
    link.pass(300);
    expect(link.ask(instance, SRV)).toEqual([]);
    const authorities = [location(instance, 1, ['other', 'local'])];
    expect(types(link.ask(instance, ANY, { authorities })[0]?.message.answers)).toEqual([TXT, SRV]);
    link.pass(200);
    expect(link.ask(instance, ANY, { authorities })).toEqual([]);
    link.pass(1_000);
    expect(link.ask(instance, SRV)).toHaveLength(1);
  });

  it('go to the asker alone where it wants that and all have heard it lately (§5.4)', () => {
    const link = new Link().announced();
    const [alone] = link.ask(instance, SRV, { unicast: true });
    expect(alone?.to).toEqual(neighbour);
    link.pass(31_000);
    const [all] = link.ask(instance, SRV, { unicast: true });
    expect(all?.to).toBeUndefined();
  });

  it('to a simple resolver are those of unicast DNS (§6.7)', () => {
    const link = new Link().announced();
    const simple = { address: '192.0.2.9', port: 40_000 };
    const [answer] = link.ask(coap, PTR, { id: 77, unicast: true }, simple);
    expect(answer?.to).toEqual(simple);
    expect(answer?.message.id).toBe(77);
    expect(answer?.message.questions).toEqual([{ name: coap, type: PTR, unicast: false }]);
    const records = [...(answer?.message.answers ?? []), ...(answer?.message.additionals ?? [])];
    expect(records).toHaveLength(5);
    expect(records.every(({ flush, ttlSeconds }) => !flush && ttlSeconds <= 10)).toBe(true);
  });

  it('are not given to what is no question, or not about this', () => {
    const link = new Link().announced();
    link.responder.receive(Uint8Array.of(1, 2, 3), neighbour);
    link.ask(['_http', '_tcp', 'local'], PTR);
    link.ask(coap, SRV);
    expect(link.pass(1_000)).toEqual([]);
  });
});

describe('conflicts (RFC 6762 §9)', () => {
  const theirs = location(instance, 1, ['other', 'local']);

  it('make it probe again, and take another name if the other one answers', () => {
    const link = new Link().announced();
    link.hear({ response: true, answers: [theirs] });
    const [probe] = link.pass(200);
    expect(labels(probe?.message.authorities)).toEqual(['funcoap on pi', 'funcoap-pi']);
    link.hear({ response: true, answers: [theirs] });
    expect(labels(link.pass(200)[0]?.message.authorities)).toEqual(['funcoap on pi (2)', 'funcoap-pi-2']);
  });

  it('are not its own answers, those from other ports, or goodbyes', () => {
    const link = new Link().announced();
    const [own] = link.ask(instance, SRV);
    link.hear({ response: true, answers: own?.message.answers ?? [] });
    link.hear({ response: true, answers: [theirs] }, { ...neighbour, port: 5354 });
    link.hear({ response: true, answers: [{ ...theirs, ttlSeconds: 0 }] });
    link.hear({ response: true, answers: [pointer(coap, ['another', ...coap])] });
    expect(link.pass(10_000)).toEqual([]);
  });
});

describe('a search', () => {
  const found = (link: Link, search: Search): void => {
    for (const { message, to } of link.sent()) if (to !== undefined) search.receive(encodeDnsMessage(message));
  };

  it('finds the doors of a gateway from one answer', () => {
    const link = new Link();
    link.responder.announce([service, { type: 'coaps', port: 5684, addresses: ['192.0.2.1'] }]);
    link.pass(10_000);
    const search = new Search();
    link.responder.receive(search.query(), { address: '192.0.2.9', port: 40_000 });
    found(link, search);
    expect(search.found()).toEqual([
      {
        name: 'funcoap on pi',
        type: 'coap',
        host: 'funcoap-pi.local',
        port: 5683,
        addresses: ['192.0.2.1', '2001:db8:0:0:0:0:0:1'],
      },
      {
        name: 'funcoap on pi',
        type: 'coaps',
        host: 'funcoap-pi.local',
        port: 5684,
        addresses: ['192.0.2.1', '2001:db8:0:0:0:0:0:1'],
      },
    ]);
  });

  it('asks for what an answer left out', () => {
    const search = new Search();
    const asked = (): unknown =>
      decodeDnsMessage(search.query())
        ?.questions.slice(2)
        .map(({ name, type }) => [name, type]);
    expect(asked()).toEqual([]);
    search.receive(encodeDnsMessage({ ...emptyMessage, response: true, answers: [pointer(coap, instance)] }));
    expect(asked()).toEqual([[instance, SRV]]);
    search.receive(
      encodeDnsMessage({ ...emptyMessage, response: true, answers: [location(instance, 5683, ['h', 'local'])] }),
    );
    expect(asked()).toEqual([
      [['h', 'local'], A],
      [['h', 'local'], AAAA],
    ]);
    search.receive(
      encodeDnsMessage({ ...emptyMessage, response: true, answers: [hostAddress(['H', 'local'], '192.0.2.1')] }),
    );
    expect(asked()).toEqual([]);
    expect(search.found()[0]?.addresses).toEqual(['192.0.2.1']);
  });

  it('keeps no more than it can use of whatever is sent', () => {
    const search = new Search();
    for (let at = 0; at < 2_000; at += 100) {
      const answers = Array.from({ length: 100 }, (_, more) => pointer(coap, [`n${at + more}`, ...coap]));
      search.receive(encodeDnsMessage({ ...emptyMessage, response: true, answers }));
    }
    search.receive(
      encodeDnsMessage({ ...emptyMessage, response: true, answers: [location(['n1999', ...coap], 1, ['h', 'local'])] }),
    );
    expect(search.found()).toEqual([]);
    expect(search.query().length).toBeLessThan(9000);
  });
});

describe('whatever is asked', () => {
  /** A query of 9000 bytes (RFC 6762 §17): one question is spelled out, the others point to its name. */
  const crammed = (count: number, name: Name, typeOf: (at: number) => number): Uint8Array => {
    const [first, ...rest] = Array.from({ length: count }, (_, at) => at);
    const head = encodeDnsMessage({ ...emptyMessage, questions: [{ name, type: typeOf(first ?? 0), unicast: false }] });
    const bytes = new Uint8Array(head.length + 6 * rest.length);
    const view = new DataView(bytes.buffer);
    bytes.set(head);
    view.setUint16(4, count);
    for (const at of rest) {
      view.setUint16(head.length + 6 * (at - 1), 0xc00c);
      view.setUint16(head.length + 6 * (at - 1) + 2, typeOf(at));
      view.setUint16(head.length + 6 * (at - 1) + 4, 1);
    }
    return bytes;
  };
  const stranger: Address = { address: '192.0.2.66', port: 40_000 };

  it('an answer is as long as what there is to say, and never longer than a message may be', () => {
    for (const count of [128, 1490]) {
      for (const [name, typeOf] of [
        [instance, (at: number) => 300 + at],
        [coap, () => PTR],
      ] as const) {
        const link = new Link().announced();
        link.responder.receive(crammed(count, name, typeOf), stranger);
        for (const { message } of link.sent()) expect(encodeDnsMessage(message).length).toBeLessThan(1500);
      }
    }
  });

  it('that there is no such record is said once for a name', () => {
    const link = new Link().announced();
    const questions = [300, 301, 302].map((type) => ({ name: instance, type, unicast: false }));
    const [answer] = link.hear({ questions }, stranger);
    expect(types(answer?.message.answers)).toEqual([NSEC]);
  });

  it('questions about others are not repeated to who asks', () => {
    const link = new Link().announced();
    const other = { name: ['x'.repeat(60), 'y'.repeat(60), 'z'.repeat(60), 'local'], type: A, unicast: false };
    const own = { name: coap, type: PTR, unicast: false };
    const [answer] = link.hear({ questions: [other, own] }, stranger);
    expect(answer?.message.questions).toEqual([own]);
  });

  it('known answers of others do not push out ours where the list comes in parts (§7.2)', () => {
    const link = new Link().announced();
    const own = pointer(coap, instance);
    const others = Array.from({ length: 40 }, (_, at) => pointer(coap, [`other ${at}`, ...coap]));
    link.ask(coap, PTR, { truncated: true });
    link.hear({ answers: [...others, own] });
    expect(link.pass(1000)).toEqual([]);
  });

  it.each([
    [1023, 'is heard'],
    [1024, 'is not kept'],
  ])('after %i known answers of one asker, one more %s', (count, what) => {
    const link = new Link().announced();
    const own = pointer(coap, instance);
    const other = link.responder.records.find(({ type }) => type === SRV) ?? own;
    link.ask(coap, PTR, { truncated: true });
    for (let left = count; left > 0; left -= 64)
      link.hear({ answers: Array.from({ length: Math.min(left, 64) }, () => other) });
    link.hear({ answers: [own] });
    expect(link.pass(1_000)).toHaveLength(what === 'is heard' ? 0 : 1);
  });

  it('what was said under earlier names and addresses is forgotten when nobody remembers it either', async () => {
    const scheduler = new ManualScheduler();
    const answers = new Answers(scheduler, () => undefined);
    const said = Array.from({ length: 100 }, (_, at) => {
      const record = hostAddress([`h${at}`, 'local'], '192.0.2.1');
      answers.were([record]);
      scheduler.advance(milliseconds((record.ttlSeconds + 1) * 1000));
      return new WeakRef(record);
    });
    // What a weak reference was made of in this turn of the event loop lives as long as that.
    await new Promise(setImmediate);
    collectGarbage();
    expect(said.filter((record) => record.deref() !== undefined).length).toBeLessThanOrEqual(2);
    expect(answers.isFresh(hostAddress(['h0', 'local'], '192.0.2.1'))).toBe(false);
  });
});
