/**
 * What a device needs, ready to paste: for coap-client, Zephyr and ESP-IDF. No secret stands among the arguments of a
 * command: there every user of the machine could read it.
 */
import type { DeviceMaterial } from './device-material.ts';
import { authorityOf } from './host.ts';

export interface DeviceFile {
  readonly name: string;
  readonly text: string;
  readonly secret: boolean;
}

export interface DeviceSheet {
  /** What goes into files: to be written with `--out`, else printed. */
  readonly files: readonly DeviceFile[];
  readonly blocks: readonly DeviceBlock[];
  /** For a camera; undefined where it would be too large to be read. */
  readonly qr: string | undefined;
}

/** Headed lines. */
export interface DeviceBlock {
  readonly title: string;
  readonly lines: readonly string[];
  /** Where it goes with `--out`, because a key stands in it; undefined: nothing in it is secret. */
  readonly file: string | undefined;
}

export interface SheetOptions {
  /** How the device reaches the gateway. */
  readonly host: string;
  /** Undefined: that of coaps. */
  readonly port: number | undefined;
  /** Where the files are; undefined: in the working folder. */
  readonly folder: string | undefined;
  /** How `funcoap` is run here. */
  readonly command: string;
}

export function deviceSheet(name: string, material: DeviceMaterial, options: SheetOptions): DeviceSheet {
  const { host, port, folder, command } = options;
  const authority = authorityOf(host, port);
  const gateway = `coaps://${authority}`;
  const uri = `${gateway}/.well-known/core`;
  const place = (file: string): string =>
    shellWord(folder === undefined ? file : `${folder.replace(/\/$/, '')}/${file}`);
  switch (material.kind) {
    case 'psk':
      return pskSheet(name, material, { gateway, uri, authority, host, place, command });
    case 'x509':
      return x509Sheet(name, material, { gateway, uri, authority, host, place, command });
    case 'rpk':
      return rpkSheet(name, material, { gateway, uri, authority, host, place, command });
  }
}

interface Target {
  readonly gateway: string;
  readonly uri: string;
  readonly authority: string;
  readonly host: string;
  readonly place: (file: string) => string;
  readonly command: string;
}

type Material<K extends DeviceMaterial['kind']> = Extract<DeviceMaterial, { readonly kind: K }>;

/** As a shell takes it: a folder's name may have anything in it. */
const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

const plain = (title: string, lines: readonly string[]): DeviceBlock => ({ title, lines, file: undefined });

/**
 * Named as in Zephyr 3.7 (its long-term release) to 4.3. Extended master secret (RFC 7627) and Connection IDs are off there
 * unless asked for, and an option whose condition is not met ends the build.
 */
const zephyrTitle = 'Zephyr 3.7 to 4.3, prj.conf and C';
const dtlsZephyr = [
  'CONFIG_NET_SOCKETS_SOCKOPT_TLS=y',
  'CONFIG_NET_SOCKETS_ENABLE_DTLS=y',
  'CONFIG_MBEDTLS=y',
  'CONFIG_MBEDTLS_TLS_VERSION_1_2=y',
  'CONFIG_MBEDTLS_DTLS=y',
  'CONFIG_MBEDTLS_SSL_EXTENDED_MASTER_SECRET=y',
  'CONFIG_MBEDTLS_SSL_DTLS_CONNECTION_ID=y',
  'CONFIG_MBEDTLS_CIPHER_AES_ENABLED=y',
  'CONFIG_MBEDTLS_CIPHER_CCM_ENABLED=y',
];

/** Of the socket, before it is connected. */
const socketZephyr = (host: string, isVerified: boolean): string[] => [
  'int sock = zsock_socket(AF_INET6, SOCK_DGRAM, IPPROTO_DTLS_1_2); /* or AF_INET */',
  'const sec_tag_t tags[] = {1};',
  'const int cid = TLS_DTLS_CID_ENABLED;',
  'zsock_setsockopt(sock, SOL_TLS, TLS_SEC_TAG_LIST, tags, sizeof(tags));',
  ...(isVerified ? [`zsock_setsockopt(sock, SOL_TLS, TLS_HOSTNAME, "${host}", sizeof("${host}") - 1);`] : []),
  'zsock_setsockopt(sock, SOL_TLS, TLS_DTLS_CID, &cid, sizeof(cid));',
];

function pskSheet(
  name: string,
  { pskIdentity, key }: Material<'psk'>,
  { gateway, uri, authority, host, place, command }: Target,
): DeviceSheet {
  const secretFile = (ending: string): string | undefined => (key === undefined ? undefined : `${name}.${ending}`);
  const shownKey = key ?? 'KEY';
  const file = place(`${name}.psk`);
  return {
    // One line of libcoap's match_hint_file; the hint is empty: the gateway sends none (RFC 4279 §5.2).
    files: key === undefined ? [] : [{ name: `${name}.psk`, text: `,${pskIdentity},${key}\n`, secret: true }],
    blocks: [
      {
        title: 'coap-client (libcoap): the key stands in a file, not among the arguments',
        lines: [
          ...(key === undefined ? [`(umask 077; echo ',${pskIdentity},KEY' > ${file})`] : []),
          `coap-client-openssl -m get -h ${file} -u ${pskIdentity} -k in-the-file ${uri}`,
        ],
        file: undefined,
      },
      plain('funcoap', [`${command} ls ${gateway} --identity ${pskIdentity} --key-file ${file}`]),
      {
        title: zephyrTitle,
        lines: [
          ...dtlsZephyr,
          'CONFIG_MBEDTLS_KEY_EXCHANGE_PSK_ENABLED=y',
          '',
          `static const char psk_id[] = "${pskIdentity}";`,
          `static const char psk[] = "${shownKey}";`,
          'tls_credential_add(1, TLS_CREDENTIAL_PSK_ID, psk_id, sizeof(psk_id) - 1);',
          'tls_credential_add(1, TLS_CREDENTIAL_PSK, psk, sizeof(psk) - 1);',
          ...socketZephyr(host, false),
        ],
        file: secretFile('zephyr.txt'),
      },
      {
        title: 'ESP-IDF, sdkconfig (the names of its coap_client example)',
        lines: [
          'CONFIG_MBEDTLS_SSL_PROTO_DTLS=y',
          'CONFIG_MBEDTLS_PSK_MODES=y',
          'CONFIG_MBEDTLS_KEY_EXCHANGE_PSK=y',
          'CONFIG_COAP_MBEDTLS_PSK=y',
          `CONFIG_EXAMPLE_TARGET_DOMAIN_URI="${uri}"`,
          `CONFIG_EXAMPLE_COAP_PSK_IDENTITY="${pskIdentity}"`,
          `CONFIG_EXAMPLE_COAP_PSK_KEY="${shownKey}"`,
        ],
        file: secretFile('sdkconfig'),
      },
    ],
    qr: key === undefined ? undefined : JSON.stringify({ coaps: authority, identity: pskIdentity, key }),
  };
}

/** Where the device has made its key itself, the file is nowhere here: said before the first line that names it. */
const ownKeyLines = (privateKey: string | undefined, file: string, form: string): string[] =>
  privateKey === undefined ? [`# ${file} is the device's own private key (${form}): only the device has it.`] : [];

function x509Sheet(
  name: string,
  material: Material<'x509'>,
  { gateway, uri, host, place, command }: Target,
): DeviceSheet {
  const { certificate, privateKey, root } = material;
  const own = { certificate: `${name}.crt.pem`, key: `${name}.key.pem`, root: 'root.crt.pem' };
  const trust = root === undefined ? '-n' : `-R ${place(own.root)}`;
  return {
    files: [
      { name: own.certificate, text: certificate, secret: false },
      ...(privateKey === undefined ? [] : [{ name: own.key, text: privateKey, secret: true }]),
      ...(root === undefined ? [] : [{ name: own.root, text: root, secret: false }]),
    ],
    blocks: [
      plain('coap-client (libcoap)', [
        ...ownKeyLines(privateKey, own.key, 'PEM'),
        `coap-client-openssl -m get -c ${place(own.certificate)} -j ${place(own.key)} ${trust} ${uri}`,
      ]),
      plain('funcoap', [
        root === undefined
          ? `The gateway has no certificate yet: \`${command} ca init\` makes it.`
          : `${command} ls ${gateway} --certificate ${place(own.certificate)} --key-file ${place(own.key)} --ca ${place(own.root)}`,
      ]),
      plain(`${zephyrTitle} (the files above as strings: what is in PEM ends with a NUL)`, [
        ...dtlsZephyr,
        'CONFIG_MBEDTLS_PEM_CERTIFICATE_FORMAT=y',
        'CONFIG_MBEDTLS_SERVER_NAME_INDICATION=y',
        'CONFIG_MBEDTLS_ECP_C=y',
        'CONFIG_MBEDTLS_ECP_DP_SECP256R1_ENABLED=y',
        'CONFIG_MBEDTLS_ECDH_C=y',
        'CONFIG_MBEDTLS_ECDSA_C=y',
        'CONFIG_MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED=y',
        '',
        'tls_credential_add(1, TLS_CREDENTIAL_CA_CERTIFICATE, root, sizeof(root));',
        'tls_credential_add(1, TLS_CREDENTIAL_SERVER_CERTIFICATE, certificate, sizeof(certificate));',
        'tls_credential_add(1, TLS_CREDENTIAL_PRIVATE_KEY, key, sizeof(key));',
        ...socketZephyr(host, true),
      ]),
      plain('ESP-IDF, sdkconfig (its coap_client example reads the files from main/certs)', [
        'CONFIG_MBEDTLS_SSL_PROTO_DTLS=y',
        'CONFIG_MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA=y',
        'CONFIG_MBEDTLS_ECP_DP_SECP256R1_ENABLED=y',
        'CONFIG_COAP_MBEDTLS_PKI=y',
        `CONFIG_EXAMPLE_TARGET_DOMAIN_URI="${uri}"`,
      ]),
    ],
    qr: undefined,
  };
}

function rpkSheet(
  name: string,
  { privateKey, gatewayKey }: Material<'rpk'>,
  { gateway, uri, place, command }: Target,
): DeviceSheet {
  const file = `${name}.rpk.pem`;
  const gatewayFile = 'gateway.pub.pem';
  return {
    files: [
      ...(privateKey === undefined ? [] : [{ name: file, text: privateKey, secret: true }]),
      ...(gatewayKey === undefined ? [] : [{ name: gatewayFile, text: gatewayKey, secret: false }]),
    ],
    blocks: [
      plain('coap-client (libcoap with GnuTLS; its build with OpenSSL has no raw public keys)', [
        ...ownKeyLines(privateKey, file, 'PEM, EC PRIVATE KEY'),
        `coap-client-gnutls -m get -M ${place(file)} -n ${uri}`,
      ]),
      plain('funcoap', [
        gatewayKey === undefined
          ? `The gateway has no key yet that could prove it: \`${command} ca init\` makes one.`
          : `${command} ls ${gateway} --key-file ${place(file)} --gateway-key ${place(gatewayFile)}`,
      ]),
      plain('Zephyr and ESP-IDF', [
        'mbedTLS has no raw public keys (RFC 7250): enroll such a device with --psk or --x509.',
      ]),
    ],
    qr: undefined,
  };
}
