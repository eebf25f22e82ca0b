/**
 * What a certificate says about itself and its use (RFC 5280 §4.1.1.2, §4.1.2.2, §4.2): the part that node:crypto does not tell, or
 * tells as if it were absent where it cannot be read.
 */
import {
  derElements,
  derSequence,
  derTags,
  firstBits,
  oidOf,
  plainSerial,
  smallInteger,
  type DerElement,
} from './der.ts';

export interface CertificateUse {
  /** As `plainSerial` writes it. */
  readonly serialNumber: string;
  /** The OID of what its issuer signed it with. */
  readonly signatureAlgorithm: string;
  /** Undefined where there is no such extension. */
  readonly digitalSignature: boolean | undefined;
  readonly keyCertSign: boolean | undefined;
  /** OIDs of the extended key usage. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** How many certificates of authorities may stand below; undefined: any. */
  readonly maxPathLength: number | undefined;
  /** Extensions that must be understood, and are not. */
  readonly unknownCritical: readonly string[];
}

const oids = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extKeyUsage: '2.5.29.37',
};
/** Looked at here, or in certificate-path.ts. */
const understood: readonly string[] = Object.values(oids);
/** Of `version`, which may be missing, and of `extensions`. */
const versionTag = 0xa0;
const extensionsTag = 0xa3;

/** Undefined where the certificate is not well-formed, or says something twice. */
export function certificateUse(der: Uint8Array): CertificateUse | undefined {
  const [tbs, algorithm] = derSequence(der) ?? [];
  if (tbs?.tag !== derTags.sequence || algorithm === undefined) return undefined;
  const [algorithmId] = derElements(algorithm.value) ?? [];
  const fields = derElements(tbs.value);
  const serial = fields?.[fields[0]?.tag === versionTag ? 1 : 0];
  if (algorithmId === undefined || fields === undefined || serial?.tag !== derTags.integer) return undefined;
  const extensions = extensionsIn(fields);
  if (extensions === undefined) return undefined;
  const keyUsage = extensions.get(oids.keyUsage);
  const constraints = extensions.get(oids.basicConstraints);
  const extended = extensions.get(oids.extKeyUsage);
  const bits = keyUsage && firstBitsIn(keyUsage.value);
  const maxPathLength = constraints && pathLengthIn(constraints.value);
  const purposes = extended && derSequence(extended.value);
  const isReadable = (extension: Extension | undefined, read: unknown): boolean =>
    extension === undefined || read !== undefined;
  if (!isReadable(keyUsage, bits) || !isReadable(constraints, maxPathLength) || !isReadable(extended, purposes))
    return undefined;
  return {
    serialNumber: plainSerial(serial.value),
    signatureAlgorithm: oidOf(algorithmId.value),
    // RFC 5280 §4.2.1.3: bit 0 is digitalSignature, bit 5 keyCertSign.
    digitalSignature: bits === undefined ? undefined : (bits & 0x80) !== 0,
    keyCertSign: bits === undefined ? undefined : (bits & 0x04) !== 0,
    extendedKeyUsage: purposes?.map(({ value }) => oidOf(value)),
    maxPathLength: maxPathLength === 'any' ? undefined : maxPathLength,
    unknownCritical: [...extensions].flatMap(([oid, { critical }]) =>
      critical && !understood.includes(oid) ? [oid] : [],
    ),
  };
}

interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** | OID | critical, where it is | value, in a string of bytes | (RFC 5280 §4.2: of each OID at most one) */
function extensionsIn(fields: readonly DerElement[]): ReadonlyMap<string, Extension> | undefined {
  const wrapped = fields.filter(({ tag }) => tag === extensionsTag);
  const list = wrapped[0] === undefined ? [] : derSequence(wrapped[0].value);
  if (list === undefined || wrapped.length > 1) return undefined;
  const extensions = new Map<string, Extension>();
  for (const { tag, value } of list) {
    const parts = tag === derTags.sequence ? (derElements(value) ?? []) : [];
    const [id, second] = parts;
    const last = parts.at(-1);
    const says = parts.length === 3 ? second : undefined;
    const isWhole = parts.length === 2 || (says?.tag === derTags.boolean && says.value.length === 1);
    if (id?.tag !== derTags.objectIdentifier || last?.tag !== derTags.octetString || !isWhole) return undefined;
    const oid = oidOf(id.value);
    if (extensions.has(oid)) return undefined;
    extensions.set(oid, { critical: says !== undefined && says.value[0] !== 0, value: last.value });
  }
  return extensions;
}

function firstBitsIn(value: Uint8Array): number | undefined {
  const [bits, ...more] = derElements(value) ?? [];
  return bits === undefined || more.length > 0 ? undefined : firstBits(bits);
}

/** | cA, where it is | pathLenConstraint, where it is | */
function pathLengthIn(value: Uint8Array): number | 'any' | undefined {
  const parts = derSequence(value);
  const [length, ...more] = parts?.[0]?.tag === derTags.boolean ? parts.slice(1) : (parts ?? []);
  if (parts === undefined || more.length > 0) return undefined;
  return length === undefined ? 'any' : smallInteger(length);
}
