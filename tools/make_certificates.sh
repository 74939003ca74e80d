#!/bin/sh
# Make the certificates of a cluster: who has none of them can neither reach nor read it.
#
#     tools/make_certificates.sh FOLDER
#
# FOLDER gets an authority (ca.pem), a certificate (certificate.pem) and its key (key.pem). Copy
# the three to every machine of the cluster, to be read by nobody else. They end after a year.
set -eu

folder=${1:?"name a folder: tools/make_certificates.sh FOLDER"}
if [ -e "$folder/key.pem" ]; then
    echo "error: $folder has certificates already: name another folder, or delete them"
    exit 1
fi
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"
umask 077
openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj "/CN=cluster authority" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
    -keyout authority.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:3072 -nodes -subj "/CN=cluster" -keyout key.pem -out request.pem 2>/dev/null
openssl x509 -req -in request.pem -CA ca.pem -CAkey authority.key -CAcreateserial -days 365 \
    -out certificate.pem 2>/dev/null
# nobody signs others with it: a new cluster gets a new authority
rm -f authority.key request.pem ca.srl
echo "written to $folder: ca.pem, certificate.pem, key.pem"
