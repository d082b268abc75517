#!/bin/sh
# Starts Dovecot in the compose stack with what is secret, which stays in memory and is read by root and dovecot only.
#   DATABASE_HOST, DATABASE_PASSWORD_FILE  where accounts are looked up
#   DOVEADM_KEY_FILE  what the mail relay shows (MAILBOX_DOVEADM_KEY)
#   TLS_CERT, TLS_KEY  looked at each minute, and taken up when they are renewed; sessions go on
set -eu
umask 077
here=$(dirname "$0")
private=/etc/dovecot/private
password=$(cat "$DATABASE_PASSWORD_FILE")
# Not on the command line of a program, which others see.
{
  echo "connect = host=$DATABASE_HOST port=5432 dbname=sealpost user=sealpost_dovecot password=$password"
  grep -v '^connect = ' "$here/sealpost-sql.conf.ext"
} > "$private/sealpost-sql.conf.ext"
chgrp dovecot "$private/sealpost-sql.conf.ext"
chmod 640 "$private/sealpost-sql.conf.ext"
echo "doveadm_api_key = $(cat "$DOVEADM_KEY_FILE")" > "$private/doveadm.conf"
take_certificate() { cp "$TLS_CERT" "$private/cert.pem" && cp "$TLS_KEY" "$private/key.pem"; }
take_certificate
(
  while sleep 60 && kill -0 $$ 2> /dev/null; do
    cmp -s "$TLS_CERT" "$private/cert.pem" || { take_certificate && doveadm -c "$here/compose.conf" reload; }
  done
) &
exec dovecot -F -c "$here/compose.conf"
