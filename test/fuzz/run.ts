/**
 * npm run fuzz -- [--datagrams 1000000] [--seconds 600] [--seed 1]
 *
 * Stops at the first fault, writes the datagrams that led to it to test/vectors/corpus/ and exits with 1.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseArgs } from 'node:util';
import { dotted } from '../../src/coap/codec/codes.ts';
import { writeCase } from './corpus.ts';
import { Finding, Fuzzer } from './fuzzer.ts';

/** Heap that may stay behind of a million datagrams: caches of the engine's and V8's own, bounded by count. */
const allowedGrowthBytes = 8 << 20;
const chunk = 10_000;

const { values } = parseArgs({
  options: {
    datagrams: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const wanted = Number(values.datagrams);
const endsAt = Date.now() + Number(values.seconds) * 1000;
const seed = Number(values.seed);

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;
const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

console.log(`seed ${seed}, ${wanted} datagrams, at most ${values.seconds} s`);
const started = Date.now();
const fuzzer = await Fuzzer.open(seed);
try {
  await fuzzer.run(Math.min(chunk * 2, wanted));
  await fuzzer.settle();
  const before = heapBytes();
  while (fuzzer.report.datagrams < wanted && Date.now() < endsAt) {
    await fuzzer.run(Math.min(chunk, wanted - fuzzer.report.datagrams));
    if (fuzzer.report.datagrams % (chunk * 10) === 0) {
      console.log(
        `${fuzzer.report.datagrams} datagrams, ${((Date.now() - started) / 1000).toFixed(0)} s, heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(1)} MB`,
      );
    }
  }
  await fuzzer.settle();
  const growth = heapBytes() - before;
  const answers = [...fuzzer.report.answers]
    .sort(([a], [b]) => a - b)
    .map(([code, count]) => `${dotted(code)}: ${count}`);
  console.log(
    `${fuzzer.report.datagrams} datagrams in ${((Date.now() - started) / 1000).toFixed(1)} s, nothing found; heap ${(growth / 1e6).toFixed(2)} MB more than before`,
  );
  console.log(answers.join('  '));
  if (growth > allowedGrowthBytes) {
    console.error(`The heap has grown by ${growth} bytes, more than ${allowedGrowthBytes}.`);
    process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof Finding)) throw error;
  const file = writeCase(
    `found-${seed}-${fuzzer.report.datagrams}`,
    error.message,
    error.history.map((sent) => sent.bytes),
  );
  console.error(
    `After ${fuzzer.report.datagrams} datagrams of seed ${seed}: ${error.message}\n${String(error.cause instanceof Error ? error.cause.stack : '')}\nwritten to ${file}`,
  );
  process.exitCode = 1;
} finally {
  await fuzzer.close();
}
