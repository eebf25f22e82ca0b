#!/usr/bin/env bash
# Makes the certificates of this folder anew: keys for tests, worth nothing. Needs openssl 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
days=36500

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

# issue NAME ISSUER EXTENSIONS [DIGEST]: a certificate for CN=NAME
issue() {
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days $days "-${4:-sha256}" -out "$1.pem" -extfile <(printf '%b' "$3") 2>/dev/null
  rm "$1.csr"
}

leaf='keyUsage=critical,digitalSignature\n'
for root in root other-root; do
  key $root
  openssl req -x509 -new -key $root.key -days $days -subj "/CN=$root" -out $root.pem -addext keyUsage=critical,keyCertSign,cRLSign
done
issue server root "${leaf}extendedKeyUsage=serverAuth\nsubjectAltName=DNS:gateway.example,IP:127.0.0.1\n"
issue client root "${leaf}extendedKeyUsage=clientAuth\n"
issue revoked root "${leaf}extendedKeyUsage=clientAuth\n"
issue stranger other-root "${leaf}extendedKeyUsage=clientAuth\n"
issue any-use root "${leaf}"
issue no-signature root 'keyUsage=critical,keyAgreement\n'
issue strange root "${leaf}1.2.3.4=critical,DER:0500\n"
issue devices root 'basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n'
issue device devices "${leaf}extendedKeyUsage=clientAuth\n"
issue below devices 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n'
issue too-deep below "${leaf}"
issue impostor client "${leaf}"
issue weak root "${leaf}" sha1
issue unmarked root 'keyUsage=critical,keyCertSign\n'
issue under unmarked "${leaf}"

# A list of revoked certificates: the one named so.
touch index.txt
cat > ca.conf <<CONF
[ca]
default_ca=own
[own]
database=index.txt
default_md=sha256
default_crl_days=$days
CONF
openssl ca -config ca.conf -cert root.pem -keyfile root.key -revoke revoked.pem 2>/dev/null
openssl ca -config ca.conf -cert root.pem -keyfile root.key -gencrl -out root.crl 2>/dev/null
rm -f index.txt* ca.conf ./*.srl
