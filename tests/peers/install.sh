#!/bin/sh
# Install the real servers that the tests talk to; called by `make peers` and `make test`.
# Needs root on Debian and does nothing where all are present.  No service is started: while the
# packages are set up, a policy-rc.d forbids it; the one that was there before comes back.
set -eu
PATH=$PATH:/usr/sbin:/sbin$(printf ":%s" /usr/lib/postgresql/*/bin)
packages=

wants() { # wants PROGRAM PACKAGE
    command -v "$1" >/dev/null || packages="$packages $2"
}

wants postfix postfix
wants dovecot dovecot-imapd
wants mbsync isync
wants neomutt neomutt
wants tmux tmux
wants postgres postgresql
wants mariadbd mariadb-server
wants slapd slapd
wants clamd clamav-daemon
wants patroni patroni
wants etcd etcd-server
wants pgrep procps
for part in account container object proxy; do
    wants swift-$part-server swift-$part
done

[ -n "$packages" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Tests with real servers will be skipped; they need:$packages (as root on Debian: make peers)" >&2
    exit 1
fi

policy=/usr/sbin/policy-rc.d
kept=
restore() {
    rm -f "$policy"
    [ -z "$kept" ] || mv "$kept" "$policy"
}
if [ -e "$policy" ]; then
    kept=$policy.before-mailproc
    mv "$policy" "$kept"
fi
trap restore EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
echo 'postfix postfix/main_mailer_type select Local only' | debconf-set-selections
# shellcheck disable=SC2086 # a list of package names
apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends $packages >/dev/null
echo "Installed:$packages"
