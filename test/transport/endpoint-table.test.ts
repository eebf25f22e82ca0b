import { describe, expect, test } from 'vitest';
import { EndpointTable } from '../../src/transport/endpoint-table.ts';

const table = (address: string, maxEndpoints?: number): EndpointTable =>
  new EndpointTable({ address, port: 5683 }, maxEndpoints);

describe('the endpoints of a local address', () => {
  test('are one object for one peer, also where ports of peers collide', () => {
    const endpoints = table('192.0.2.1');
    const a = endpoints.get('192.0.2.2', 1000);
    const b = endpoints.get('192.0.2.3', 1000);
    const c = endpoints.get('192.0.2.2', 1000 + 1024);
    expect(new Set([a, b, c]).size).toBe(3);
    expect(endpoints.get('192.0.2.2', 1000)).toBe(a);
    expect(endpoints.get('192.0.2.3', 1000)).toBe(b);
  });

  test('are named by the pair: the same peer at another local address is another endpoint', () => {
    const [here, there] = [table('192.0.2.1'), table('2001:db8::1')];
    expect(here.get('192.0.2.2', 1000).key).toBe('192.0.2.2:1000>192.0.2.1:5683');
    expect(there.get('fe80::2%eth0', 1000).key).toBe('[fe80::2%eth0]:1000>[2001:db8::1]:5683');
  });

  test('are forgotten when there are too many, and have the same key when they come again', () => {
    const endpoints = table('192.0.2.1', 100);
    const first = endpoints.get('192.0.2.2', 1);
    for (let port = 2; port <= 60_000; port++) endpoints.get('192.0.2.2', port);
    const again = endpoints.get('192.0.2.2', 1);
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });

  test('are loopback only where both ends are', () => {
    expect(table('127.0.0.1').get('127.0.0.1', 1).loopback).toBe(true);
    expect(table('::1').get('::1', 1).loopback).toBe(true);
    expect(table('192.0.2.1').get('127.0.0.1', 1).loopback).toBe(false);
    expect(table('127.0.0.1').get('192.0.2.1', 1).loopback).toBe(false);
  });
});
