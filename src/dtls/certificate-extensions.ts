/** What a certificate says about its use (RFC 5280 §4.1.1.2, §4.2): the part that node:crypto does not tell. */
import { derElements, derSequence, derTags, oidOf } from './der.ts';

export interface CertificateUse {
  /** The OID of what its issuer signed it with. */
  readonly signatureAlgorithm: string;
  /** Undefined where there is no such extension. */
  readonly digitalSignature: boolean | undefined;
  readonly keyCertSign: boolean | undefined;
  /** How many certificates of authorities may stand below; undefined: any. */
  readonly maxPathLength: number | undefined;
  /** Extensions that must be understood, and are not. */
  readonly unknownCritical: readonly string[];
}

const basicConstraints = '2.5.29.19';
const keyUsage = '2.5.29.15';
/** Looked at here, or in certificate-path.ts. */
const understood: readonly string[] = [basicConstraints, keyUsage, '2.5.29.37', '2.5.29.17'];
const extensionsTag = 0xa3;

/** Undefined where the certificate is not well-formed. */
export function certificateUse(der: Uint8Array): CertificateUse | undefined {
  const [tbs, algorithm] = derSequence(der) ?? [];
  if (tbs === undefined || algorithm === undefined) return undefined;
  const [algorithmId] = derElements(algorithm.value) ?? [];
  const fields = derElements(tbs.value);
  if (algorithmId === undefined || fields === undefined) return undefined;
  const wrapped = fields.find(({ tag }) => tag === extensionsTag);
  const extensions = wrapped === undefined ? [] : derSequence(wrapped.value);
  if (extensions === undefined) return undefined;
  let digitalSignature: boolean | undefined;
  let keyCertSign: boolean | undefined;
  let maxPathLength: number | undefined;
  const unknownCritical: string[] = [];
  for (const extension of extensions) {
    const parts = extension.tag === derTags.sequence ? derElements(extension.value) : undefined;
    const [id, second] = parts ?? [];
    const value = parts?.at(-1);
    if (id === undefined || value === undefined || value.tag !== derTags.octetString) return undefined;
    const oid = oidOf(id.value);
    const critical = second?.tag === derTags.boolean && second.value[0] !== 0;
    if (critical && !understood.includes(oid)) unknownCritical.push(oid);
    if (oid === basicConstraints) {
      const length = (derSequence(value.value) ?? []).find(({ tag }) => tag === derTags.integer);
      if (length !== undefined) maxPathLength = length.value.length === 1 ? (length.value[0] ?? 0) : undefined;
    }
    if (oid === keyUsage) {
      const [bits] = derElements(value.value) ?? [];
      // RFC 5280 §4.2.1.3: bit 0 is digitalSignature, bit 5 keyCertSign; the first byte counts unused bits.
      const first = bits?.value[1] ?? 0;
      digitalSignature = (first & 0x80) !== 0;
      keyCertSign = (first & 0x04) !== 0;
    }
  }
  return {
    signatureAlgorithm: oidOf(algorithmId.value),
    digitalSignature,
    keyCertSign,
    maxPathLength,
    unknownCritical,
  };
}
