#!/bin/bash
# Installs the programs that the interop tests talk with from the Debian mirror that this machine uses already. Needs root, or sudo without a
# password. `install.sh core`: those of the project core alone. With both comes Chromium for the tests of the panel. Where Debian's go-sendxmpp is too old for SCRAM, that of the release's backports is taken; apt's configuration stays as it is.
set -eu -o pipefail

go_sendxmpp_min=0.7

root=()
[ "$(id -u)" -eq 0 ] || root=(sudo -n)
scratch=$(mktemp -d)
chmod 755 "$scratch" # apt downloads as a user of its own
trap '"${root[@]}" rm -rf "$scratch"' EXIT

new_enough() { dpkg --compare-versions "${1:-0}" ge "$go_sendxmpp_min"; }
installed() { command -v go-sendxmpp > /dev/null && dpkg-query -W -f '${Version}' go-sendxmpp 2> /dev/null || true; }
candidate() { apt-cache policy go-sendxmpp | sed -n 's/^  Candidate: //p' | grep -v none || true; }
install() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; }

# Where the release's main archive comes from. Known to apt once it has fetched the lists.
mirror() {
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v codename="$1" '$2 == codename && $3 == "main" && !found { print $1; found = 1 }'
}

# The package file alone is taken from the backports; apt brings what it depends on from the ordinary lists.
install_from_backports() {
  local codename uri options
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  uri=$(mirror "$codename")
  if [ -z "$uri" ]; then
    echo "apt knows no mirror of $codename" >&2
    return 1
  fi
  mkdir -p "$scratch/lists/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $codename-backports main" > "$scratch/backports.list"
  options=(-q -o "Dir::Etc::sourcelist=$scratch/backports.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$scratch/lists")
  "${root[@]}" apt-get "${options[@]}" update
  (cd "$scratch" && "${root[@]}" apt-get "${options[@]}" download "go-sendxmpp/$codename-backports")
  install "$scratch"/go-sendxmpp_*.deb
}

# Exim and Postfix exclude each other as packages: Exim is only unpacked, and finds its libraries in the system.
exim=/opt/exim4
unpack_exim() {
  install libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0
  (cd "$scratch" && "${root[@]}" apt-get -q download exim4-daemon-light)
  "${root[@]}" mkdir -p "$exim"
  "${root[@]}" dpkg-deb -x "$scratch"/exim4-daemon-light_*.deb "$exim"
}
has_chromium() { command -v chromium > /dev/null; }
needs_exim() { [ "${1:-all}" != core ] && ! [ -x "$exim/usr/sbin/exim4" ]; }

programs=(profanity:profanity tmux:tmux gpg:gnupg dirmngr:dirmngr msmtp:msmtp postfix:postfix swaks:swaks)
[ "${1:-all}" = core ] ||
  programs+=(sq:sq gpg-wks-client:gpg-wks-client ip:iproute2 clamd:clamav-daemon opendkim:opendkim rspamd:rspamd curl:curl dovecot:dovecot-imapd
    prometheus:prometheus turnserver:coturn unbound:unbound ldns-signzone:ldnsutils postgrey:postgrey mcabber:mcabber mpop:mpop mbsync:isync faketime:faketime
    setpriv:util-linux caddy:caddy docker-compose:docker-compose nats-server:nats-server age:age restic:restic amtool:prometheus-alertmanager sshd:openssh-server Xvfb:xvfb dbus-daemon:dbus-daemon gdbus:libglib2.0-bin dino-im:dino-im gajim:gajim poezio:poezio ejabberdctl:ejabberd prosody-migrator:prosody memcached:memcached wget:wget)
missing=()
PATH=$PATH:/usr/lib/gnupg # where Debian 12 has gpg-wks-client
for program in "${programs[@]}"; do
  command -v "${program%%:*}" > /dev/null || missing+=("${program##*:}")
done
perl -MNet::SSLeay -e 1 2> /dev/null || missing+=(libnet-ssleay-perl) # for swaks
[ "${1:-all}" = core ] || command -v dovecot > /dev/null || missing+=(dovecot-lmtpd dovecot-pgsql dovecot-pop3d)
[ "${1:-all}" = core ] || perl -MMail::DeliveryStatus::BounceParser -e 1 2> /dev/null || missing+=(libmail-deliverystatus-bounceparser-perl)
[ "${1:-all}" = core ] || /usr/bin/python3 -c 'import swift' 2> /dev/null || missing+=(python3-swift)
[ "${1:-all}" = core ] || command -v gajim > /dev/null || missing+=(gajim-omemo)
[ "${1:-all}" = core ] || command -v mbsync > /dev/null || missing+=(libsasl2-modules) # SCRAM for isync
[ ${#missing[@]} -eq 0 ] && new_enough "$(installed)" && ! needs_exim "${1:-all}" && has_chromium && exit

"${root[@]}" apt-get update -q
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
if ! new_enough "$(installed)"; then
  if new_enough "$(candidate)"; then install go-sendxmpp; else install_from_backports; fi
fi
! needs_exim "${1:-all}" || unpack_exim
has_chromium || install chromium || echo 'There is no Chromium: the tests of the panel are left out.' >&2
