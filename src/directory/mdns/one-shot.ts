/** Looks for gateways with one-shot queries (RFC 6762 §5.1): asked from any port, answered to it alone. */
import { equalBytes } from '../../core/bytes.ts';
import {
  emptyMessage,
  encodeDnsMessage,
  decodeDnsMessage,
  nameKey,
  recordType,
  type Name,
  type ResourceRecord,
} from './message.ts';
import { addressed, located, pointed } from './records.ts';
import { serviceName, type ServiceType } from './service.ts';

export interface FoundService {
  /** What people call it. */
  readonly name: string;
  readonly type: ServiceType;
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

const types = ['coap', 'coaps'] as const;
/** Records kept of all answers together: anybody on the link can send some. No RFC's number. */
const maxRecords = 1024;

export class Search {
  /** By type and name. */
  readonly #records = new Map<string, ResourceRecord[]>();
  #count = 0;

  /** What to ask next: the service types, and what is still missing of what was found. */
  query(): Uint8Array {
    const missing: { readonly name: Name; readonly type: number }[] = [];
    for (const instance of this.#instances()) {
      const service = this.#of(instance.name, recordType.SRV)[0];
      const where = service === undefined ? undefined : located(service);
      if (where === undefined) missing.push({ name: instance.name, type: recordType.SRV });
      else if (this.#addresses(where.host).length === 0)
        missing.push({ name: where.host, type: recordType.A }, { name: where.host, type: recordType.AAAA });
    }
    const asked = [
      ...types.map((type) => ({ name: serviceName(type), type: recordType.PTR })),
      ...missing.slice(0, 64),
    ];
    return encodeDnsMessage({
      ...emptyMessage,
      // RFC 6762 §5.4 and §6.7: either makes the answer come to this port alone.
      questions: asked.map((question) => ({ ...question, unicast: true })),
    });
  }

  receive(bytes: Uint8Array): void {
    const message = decodeDnsMessage(bytes);
    if (message === undefined || !message.response) return;
    for (const record of [...message.answers, ...message.additionals]) {
      const key = keyOf(record.name, record.type);
      const others = this.#records.get(key) ?? [];
      if (this.#count >= maxRecords || others.some(({ data }) => equalBytes(data, record.data))) continue;
      this.#count++;
      if (others.push(record) === 1) this.#records.set(key, others);
    }
  }

  /** By name, then type. */
  found(): FoundService[] {
    const services: FoundService[] = [];
    for (const { name, type } of this.#instances()) {
      for (const record of this.#of(name, recordType.SRV)) {
        const where = located(record);
        if (where === undefined) continue;
        const addresses = this.#addresses(where.host);
        services.push({ name: name[0] ?? '', type, host: where.host.join('.'), port: where.port, addresses });
      }
    }
    return services.toSorted((one, other) => one.name.localeCompare(other.name) || one.type.localeCompare(other.type));
  }

  #instances(): { readonly name: Name; readonly type: ServiceType }[] {
    return types.flatMap((type) => {
      const behind = nameKey(serviceName(type));
      return this.#of(serviceName(type), recordType.PTR)
        .map((record) => pointed(record) ?? [])
        .filter((name) => name.length > 1 && nameKey(name.slice(1)) === behind)
        .map((name) => ({ name, type }));
    });
  }

  #addresses(host: Name): string[] {
    const records = [...this.#of(host, recordType.A), ...this.#of(host, recordType.AAAA)];
    return records.flatMap((record) => addressed(record) ?? []);
  }

  #of(name: Name, type: number): readonly ResourceRecord[] {
    return this.#records.get(keyOf(name, type)) ?? [];
  }
}

const keyOf = (name: Name, type: number): string => `${type} ${nameKey(name)}`;
