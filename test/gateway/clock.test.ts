import { expect, test } from 'vitest';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import { findOption, optionNumber, stringOption, uintOption, type Option } from '../../src/coap/codec/options.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { after, seconds } from '../../src/core/duration.ts';
import { ClockResource } from '../../src/gateway/resources/clock.ts';
import type { Answer } from '../../src/gateway/resource.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { Lockstep } from '../coap/lockstep.ts';

const options: readonly Option[] = [uintOption(optionNumber.observe, 0), stringOption(optionNumber.uriPath, 'clock')];

function clock(timeOfDay?: () => Date): { peer: Lockstep; scheduler: ManualScheduler; resource: ClockResource } {
  const scheduler = new ManualScheduler();
  const resource = new ClockResource({
    timeOfDay: timeOfDay ?? ((): Date => new Date(scheduler.now() + 500)),
    after: (span, fire) => scheduler.after(span, fire),
    now: () => peer.now,
    observe: (request, onEnd, now) => peer.engine.observe(request, onEnd, now),
    wake: () => undefined,
  });
  const peer: Lockstep = new Lockstep((request, _engine, now) => {
    const caller = { identity: 'local', peer: 'device' };
    const answer: Answer = resource.handle({
      request,
      path: ['clock'],
      query: [],
      target: 'test',
      caller,
      access: new AccessRules(openAccess).of(undefined),
      correlationId: '1',
      now,
    });
    return answer.response;
  });
  return { peer, scheduler, resource };
}

test('it is told on the second to whoever observes it, and rests while nobody does', () => {
  const { peer, scheduler } = clock();
  const [first] = peer.send({ code: method.GET, messageId: 1, options });
  expect(first).toMatchObject({ code: responseCode.content, payload: utf8('1970-01-01T00:00:00Z') });
  scheduler.moveTo(after(scheduler.now(), seconds(0.5)));
  const [second] = peer.output();
  expect(second?.payload).toEqual(utf8('1970-01-01T00:00:01Z'));
  peer.send({ type: 3, code: 0, messageId: second?.messageId ?? 0 });
  scheduler.moveTo(after(scheduler.now(), seconds(1)));
  expect(scheduler.nextDeadline()).toBeUndefined();
});

test('a timer that fires a little early or late neither repeats nor skips a second', () => {
  const offsets = [0, -1, 3, -2, 0];
  let asked = 0;
  let time = 500;
  const { peer, scheduler } = clock(() => new Date(time + (offsets[asked++ % offsets.length] ?? 0)));
  peer.send({ code: method.GET, messageId: 1, options });
  const told: string[] = [];
  for (let tick = 1; tick <= 6; tick++) {
    time = tick * 1000;
    scheduler.moveTo(scheduler.nextDeadline() ?? scheduler.now());
    const [notification] = peer.output();
    told.push(String.fromCharCode(...(notification?.payload ?? [])).slice(17, 19));
    peer.send({ type: 2, code: 0, messageId: notification?.messageId ?? 0 });
  }
  expect(told).toEqual(['01', '02', '03', '04', '05', '06']);
});

test('a closed clock tells the time once, and is observed by nobody any more', () => {
  const { peer, scheduler, resource } = clock();
  resource.close();
  const [answer] = peer.send({ code: method.GET, messageId: 1, options });
  expect(answer?.code).toBe(responseCode.content);
  expect(findOption(answer?.options ?? [], optionNumber.observe)).toBeUndefined();
  expect(scheduler.nextDeadline()).toBeUndefined();
});
