/**
 * What a gateway says of itself on one link: its instance of each service type (RFC 6763 §4), and the host name and addresses
 * behind it. `_coap._udp` and `_coaps._udp` are the types that IANA has for CoAP.
 */
import { labelOf, nameKey, recordType, type Name, type ResourceRecord } from './message.ts';
import { attributes, hostAddress, location, pointer } from './records.ts';

export type ServiceType = 'coap' | 'coaps';

export interface AnnouncedService {
  readonly type: ServiceType;
  readonly port: number;
  /** Of this link, without zones; never empty. */
  readonly addresses: readonly string[];
}

export const serviceName = (type: ServiceType): Name => [`_${type}`, '_udp', 'local'];
/** RFC 6763 §9 */
const typesName: Name = ['_services', '_dns-sd', '_udp', 'local'];

/** Room that ` (12345)` takes. */
const numberBytes = 8;

export class LinkRecords {
  /** Together: what only one host may say, by name. Each is probed for (RFC 6762 §8.1). */
  readonly unique: readonly ResourceRecord[];
  /** RFC 6763 §4.1: many may say these. */
  readonly shared: readonly ResourceRecord[];

  /**
   * @param instance what people read (RFC 6763 §4.1.1)
   * @param host one label
   * @param attempt 1, or more where the names were taken (RFC 6762 §9, RFC 6763 §D)
   */
  constructor(instance: string, host: string, attempt: number, services: readonly AnnouncedService[]) {
    const label = attempt === 1 ? labelOf(instance) : `${labelOf(instance, numberBytes)} (${attempt})`;
    const hostLabel = attempt === 1 ? labelOf(host) : `${labelOf(host, numberBytes)}-${attempt}`;
    const hostName: Name = [hostLabel, 'local'];
    const addresses = new Set(services.flatMap((service) => service.addresses));
    this.unique = [
      ...services.flatMap(({ type, port }) => {
        const name = [label, ...serviceName(type)];
        // RFC 6763 §6.7 wants the version of what the others mean.
        return [location(name, port, hostName), attributes(name, ['txtvers=1', 'path=/func'])];
      }),
      ...[...addresses].map((address) => hostAddress(hostName, address)),
    ];
    this.shared = services.flatMap(({ type }) => [
      pointer(serviceName(type), [label, ...serviceName(type)]),
      pointer(typesName, serviceName(type)),
    ]);
  }

  get all(): readonly ResourceRecord[] {
    return [...this.shared, ...this.unique];
  }

  /** The names that are this host's alone. */
  get names(): readonly Name[] {
    return [...new Map(this.unique.map(({ name }) => [nameKey(name), name])).values()];
  }

  /** RFC 6763 §12: what the asker will want next. */
  additionalTo(record: ResourceRecord): readonly ResourceRecord[] {
    const addresses = this.unique.filter(({ type }) => type === recordType.A || type === recordType.AAAA);
    if (record.type === recordType.SRV) return addresses;
    if (record.type !== recordType.PTR) return [];
    const key = nameKey(record.name);
    const instance = this.unique.filter(({ name }) => nameKey(name.slice(1)) === key);
    return instance.length === 0 ? [] : [...instance, ...addresses];
  }
}
