#!/bin/sh
# Starts coturn with the secrets that Sealpost signs credentials with. They go into a file that only this user reads, not to the command line, which others see.
#   TURN_SECRET_FILE  one secret, or two while it is changed; separated by commas or white space
#   TURN_REALM        the domain
#   TURN_CERT, TURN_KEY  for turns:, optional; looked at each minute, and taken up when they are renewed
# Arguments are coturn's, such as --external-ip.
set -eu
umask 077
file=$(mktemp)
cat "$(dirname "$0")/turnserver.conf" > "$file"
echo "realm=$TURN_REALM" >> "$file"
tr ',[:space:]' '\n\n' < "$TURN_SECRET_FILE" | sed -n '/./s/^/static-auth-secret=/p' >> "$file"
grep -q '^static-auth-secret=' "$file" || { echo 'TURN_SECRET_FILE has no secret' >&2; exit 1; }
if [ -n "${TURN_CERT:-}" ]; then
  printf 'cert=%s\npkey=%s\n' "$TURN_CERT" "$TURN_KEY" >> "$file"
  # coturn is this process in a moment, and reads both anew at SIGUSR2; calls go on.
  (
    shown=$(cksum < "$TURN_CERT")
    while sleep 60 && kill -0 $$ 2> /dev/null; do
      now=$(cksum < "$TURN_CERT") || continue
      [ "$now" = "$shown" ] || kill -USR2 $$
      shown=$now
    done
  ) &
fi
exec turnserver -c "$file" "$@"
