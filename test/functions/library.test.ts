import { describe, expect, expectTypeOf, it } from 'vitest';
import * as mini from 'zod/mini';
import { RunningCall, runningCall, type CallFacts } from '../../src/functions/call-context.ts';
import {
  bytes,
  context,
  fn,
  invalidArgument,
  invalidate,
  tag,
  z,
  type Invalidation,
} from '../../src/functions/library.ts';

const told: Invalidation[] = [];
const facts: CallFacts = {
  library: 'lib',
  caller: { identity: 'device-7', groups: ['meters', 'hall'], peer: '127.0.0.1:5', correlationId: 'c' },
  deadline: 1,
  dataFolder: '/data',
  invalidate: (what) => void told.push(what),
};

describe('fn', () => {
  it('gives its implementation what was declared, with defaults, and types it so', () => {
    const greet = fn({ params: { name: z.string(), times: z.number().default(2) } }, ({ name, times }) => {
      expectTypeOf(name).toEqualTypeOf<string>();
      expectTypeOf(times).toEqualTypeOf<number>();
      return name.repeat(times);
    });
    expectTypeOf(greet).parameter(0).toEqualTypeOf<{ name: string; times?: number | undefined }>();
    expect(greet({ name: 'ab' })).toBe('abab');
  });

  it('takes an object schema as well as a record', () => {
    const add = fn({ params: z.object({ a: z.number(), b: z.number() }) }, ({ a, b }) => a + b);
    expect(add({ a: 1, b: 2 })).toBe(3);
    expect(Object.keys(add.definition.params.shape)).toEqual(['a', 'b']);
  });

  it('refuses arguments that do not fit, and names the parameter', () => {
    const size = fn({ params: { data: bytes() } }, ({ data }) => data.length);
    expect(size({ data: new Uint8Array(2) })).toBe(2);
    const untyped: { data: Uint8Array } = Object.assign({ data: new Uint8Array() }, { data: 'text' });
    expect(() => size(untyped)).toThrow(expect.objectContaining({ code: 'invalid-argument', parameter: 'data' }));
  });

  it('refuses a result that is not what it declares, also a late one', async () => {
    const { n: notANumber } = Object.assign({ n: 1 }, { n: 'x' }) as { n: number };
    const sync = fn({ returns: z.number() }, (): number => notANumber);
    const late = fn({ returns: z.number() }, async (): Promise<number> => notANumber);
    expect(() => sync({})).toThrow(expect.objectContaining({ code: 'bad-result' }));
    await expect(late({})).rejects.toMatchObject({ code: 'bad-result' });
  });

  it.for([{ pure: true, safe: false }, { maxAge: 10 }, { pure: true, maxAge: -1 }, { timeLimit: Number.NaN }])(
    'refuses the contradiction %j',
    (options) => {
      expect(() => fn(options, () => 1)).toThrow(expect.objectContaining({ code: 'bad-declaration' }));
    },
  );

  it.for<[options: object, message: string]>([
    [{ maxage: 60, pure: true }, '`maxage` is no option of fn(): did you mean `maxAge`?'],
    [{ maximum: 60 }, '`maximum` is no option of fn(): it has params, returns, safe,'],
    [{ params: [z.number()] }, '`params` holds Zod types by name, such as { a: z.number() }: write it so.'],
    [{ params: z.string() }, '`params` holds Zod types by name'],
    [{ params: { a: z.number } }, '`a` of `params` is no Zod type: write z.number(), z.string() or another.'],
    [{ returns: Number }, '`returns` is no Zod type'],
    [{ safe: 'yes' }, '`safe` is true or false, not yes.'],
    [{ pure: true, maxAge: '5m' }, '`maxAge` must be a number that is not negative, not 5m.'],
    [{ staleWhileRevalidate: 5 }, 'add `pure: true` or remove `staleWhileRevalidate`.'],
    [{ safe: true, shared: true }, 'add `pure: true` or remove `shared`.'],
    [{ timeLimit: 0 }, '`timeLimit: 0` leaves no time to run: give milliseconds.'],
  ])('says what to write instead of %j', ([options, message]) => {
    expect(() => fn(options, () => 1)).toThrow(
      expect.objectContaining({ code: 'bad-declaration', message: expect.stringContaining(message) as string }),
    );
  });

  it('takes its options first, then the function', () => {
    const untyped = fn as (...given: readonly unknown[]) => unknown;
    for (const given of [[() => 1, {}], [{}], [undefined, () => 1], []])
      expect(() => untyped(...given)).toThrow(/^fn\(\) takes its options and then the function/);
  });

  it("takes types of Zod's other editions", () => {
    const untyped = fn as (...given: readonly unknown[]) => unknown;
    expect(() => untyped({ returns: mini.number(), params: { a: mini.string() } }, () => 1)).not.toThrow();
  });

  it('is safe when it is pure', () => {
    expect(fn({ pure: true }, () => 1).definition).toMatchObject({ safe: true, pure: true, maxAge: 0 });
  });
});

describe('the context of a call', () => {
  it('tells when a function looks at who calls, and only then', () => {
    const call = new RunningCall(facts);
    runningCall.run(call, () => {
      expect([context().correlationId, context().dataFolder, context().deadline]).toEqual(['c', '/data', 1]);
      expect(call.readCaller).toBe(false);
      expect(context().identity).toBe('device-7');
    });
    expect(call.readCaller).toBe('identity');
    const other = new RunningCall(facts);
    runningCall.run(other, () => expect(context().peer).toBe('127.0.0.1:5'));
    expect(other.readCaller).toBe('peer');
    const both = new RunningCall(facts);
    const grouped = new RunningCall(facts);
    runningCall.run(grouped, () => {
      // A list of its own: another call does not see what a function does to it.
      (context().groups as string[]).push('admins');
      expect(context().groups).toEqual(['meters', 'hall']);
    });
    expect(grouped.readCaller).toBe('identity');
    runningCall.run(both, () => expect([context().peer, context().identity]).toEqual(['127.0.0.1:5', 'device-7']));
    expect(both.readCaller).toBe('peer');
  });

  it('aborts with a reason, inside the call', () => {
    const call = new RunningCall(facts);
    let seen: unknown;
    runningCall.run(call, () => {
      context().signal.addEventListener('abort', () => {
        seen = [context().correlationId, context().signal.reason];
      });
    });
    call.abort('enough');
    expect(seen).toEqual(['c', expect.objectContaining({ name: 'AbortError', message: 'enough' })]);
  });

  it('collects a bounded number of tags', () => {
    const call = new RunningCall(facts);
    runningCall.run(call, () => {
      for (let i = 0; i < 64; i++) tag(`t${i}`);
      tag('t0');
      expect(() => tag('one more')).toThrow(expect.objectContaining({ code: 'too-many-tags' }));
      expect(() => tag('x'.repeat(257))).toThrow(expect.objectContaining({ code: 'too-many-tags' }));
      invalidate({ tag: 't1' });
      invalidate({ method: 'list' });
    });
    expect(call.tags).toHaveLength(64);
    expect(told).toEqual([{ tag: 't1' }, { method: 'list' }]);
  });

  it('refuses to invalidate what is neither one function nor one tag', () => {
    runningCall.run(new RunningCall(facts), () => {
      for (const what of [{ tags: ['t1'] }, { tag: 't1', method: 'list' }, { tag: 7 }, {}, 'list', undefined]) {
        expect(() => invalidate(what as never)).toThrow(/takes \{ method: 'NAME' \} or \{ tag/);
      }
    });
  });

  it('is absent outside of calls', () => {
    for (const ask of [() => context(), () => tag('x'), () => invalidate({ tag: 'x' })]) {
      expect(ask).toThrow(expect.objectContaining({ code: 'no-call' }));
    }
  });
});

it('invalidArgument carries its sentence to the caller', () => {
  expect(invalidArgument('Give a day of the week.', 'day')).toMatchObject({
    code: 'invalid-argument',
    message: 'Give a day of the week.',
    parameter: 'day',
  });
});
