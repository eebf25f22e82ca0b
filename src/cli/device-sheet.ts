/**
 * What a device needs, ready to paste: for coap-client, Zephyr and ESP-IDF. No secret stands among the arguments of a
 * command: there every user of the machine could read it.
 */
import type { DeviceMaterial } from './device-material.ts';

export interface DeviceFile {
  readonly name: string;
  readonly text: string;
  readonly secret: boolean;
}

export interface DeviceSheet {
  /** What goes into files: to be written with `--out`, else printed. */
  readonly files: readonly DeviceFile[];
  /** Headed blocks of lines. */
  readonly blocks: readonly { readonly title: string; readonly lines: readonly string[] }[];
  /** For a camera; undefined where it would be too large to be read. */
  readonly qr: string | undefined;
}

/** @param host how the device reaches the gateway; @param folder where the files are, undefined: in the working folder */
export function deviceSheet(name: string, material: DeviceMaterial, host: string, folder?: string): DeviceSheet {
  const gateway = `coaps://${host.includes(':') ? `[${host}]` : host}`;
  const uri = `${gateway}/.well-known/core`;
  const place = (file: string): string => (folder === undefined ? file : `${folder.replace(/\/$/, '')}/${file}`);
  switch (material.kind) {
    case 'psk':
      return pskSheet(name, material, { gateway, uri, host, place });
    case 'x509':
      return x509Sheet(name, material, { gateway, uri, host, place });
    case 'rpk':
      return rpkSheet(name, material, { gateway, uri, host, place });
  }
}

interface Target {
  readonly gateway: string;
  readonly uri: string;
  readonly host: string;
  readonly place: (file: string) => string;
}

type Material<K extends DeviceMaterial['kind']> = Extract<DeviceMaterial, { readonly kind: K }>;

const dtlsZephyr = ['CONFIG_NET_SOCKETS_SOCKOPT_TLS=y', 'CONFIG_NET_SOCKETS_ENABLE_DTLS=y', 'CONFIG_MBEDTLS=y'];

function pskSheet(
  name: string,
  { pskIdentity, key }: Material<'psk'>,
  { gateway, uri, host, place }: Target,
): DeviceSheet {
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
      },
      {
        title: 'funcoap',
        lines: [`funcoap ls ${gateway} --identity ${pskIdentity} --key-file ${file}`],
      },
      {
        title: 'Zephyr, prj.conf and C',
        lines: [
          ...dtlsZephyr,
          'CONFIG_MBEDTLS_KEY_EXCHANGE_PSK_ENABLED=y',
          'CONFIG_MBEDTLS_CIPHER_CCM_ENABLED=y',
          'CONFIG_MBEDTLS_SSL_DTLS_CONNECTION_ID=y',
          '',
          `static const char psk_id[] = "${pskIdentity}";`,
          `static const char psk[] = "${shownKey}";`,
          'tls_credential_add(1, TLS_CREDENTIAL_PSK_ID, psk_id, sizeof(psk_id) - 1);',
          'tls_credential_add(1, TLS_CREDENTIAL_PSK, psk, sizeof(psk) - 1);',
        ],
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
      },
    ],
    qr: key === undefined ? undefined : JSON.stringify({ coaps: host, identity: pskIdentity, key }),
  };
}

function x509Sheet(name: string, material: Material<'x509'>, { uri, place }: Target): DeviceSheet {
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
      {
        title: 'coap-client (libcoap)',
        lines: [`coap-client-openssl -m get -c ${place(own.certificate)} -j ${place(own.key)} ${trust} ${uri}`],
      },
      {
        title: 'Zephyr, prj.conf and C (the files above as arrays)',
        lines: [
          ...dtlsZephyr,
          'CONFIG_MBEDTLS_PEM_CERTIFICATE_FORMAT=y',
          'CONFIG_MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED=y',
          'CONFIG_MBEDTLS_ECP_DP_SECP256R1_ENABLED=y',
          'CONFIG_MBEDTLS_CIPHER_CCM_ENABLED=y',
          'CONFIG_MBEDTLS_SSL_DTLS_CONNECTION_ID=y',
          '',
          'tls_credential_add(1, TLS_CREDENTIAL_CA_CERTIFICATE, root, sizeof(root));',
          'tls_credential_add(1, TLS_CREDENTIAL_SERVER_CERTIFICATE, certificate, sizeof(certificate));',
          'tls_credential_add(1, TLS_CREDENTIAL_PRIVATE_KEY, key, sizeof(key));',
        ],
      },
      {
        title: 'ESP-IDF, sdkconfig (its coap_client example reads the files from main/certs)',
        lines: [
          'CONFIG_MBEDTLS_SSL_PROTO_DTLS=y',
          'CONFIG_MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA=y',
          'CONFIG_MBEDTLS_ECP_DP_SECP256R1_ENABLED=y',
          'CONFIG_COAP_MBEDTLS_PKI=y',
          `CONFIG_EXAMPLE_TARGET_DOMAIN_URI="${uri}"`,
        ],
      },
    ],
    qr: undefined,
  };
}

function rpkSheet(name: string, { privateKey }: Material<'rpk'>, { uri, place }: Target): DeviceSheet {
  const file = `${name}.rpk.pem`;
  return {
    files: privateKey === undefined ? [] : [{ name: file, text: privateKey, secret: true }],
    blocks: [
      {
        title: 'coap-client (libcoap with GnuTLS; its build with OpenSSL has no raw public keys)',
        lines: [`coap-client-gnutls -m get -M ${place(file)} -n ${uri}`],
      },
      {
        title: 'Zephyr and ESP-IDF',
        lines: ['mbedTLS has no raw public keys (RFC 7250): enroll such a device with --psk or --x509.'],
      },
    ],
    qr: undefined,
  };
}
