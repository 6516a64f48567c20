#!/usr/bin/env bash
# dnsmasq 2.90 (Debian 12): a comment longer than the line buffer ends there, and its rest is read as an option.
#
# Guess: a line that begins with # is a comment to its end, however long; the file passes --test or it does not by its
#        options alone.
# Seen:  a comment of 1,000 characters passes. One of 1,100 is cut after about 1,024, and the rest is taken for an
#        option: "bad option at line 2", where line 2 of the file is a good one.
# Why:   generated lists say in a comment who wants each entry; with enough owners such a list no longer loads, and the
#        line that is named is not the one at fault. allowlist folds its comments.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
cd "$place"
apt-get download --quiet=2 dnsmasq-base >/dev/null
dpkg-deb --extract dnsmasq-base_*.deb "$place"
dnsmasq="$place/usr/sbin/dnsmasq"
"$dnsmasq" --version | head -n 1

try() { # a comment of so many characters above one good option
  { printf '# '; head -c "$1" /dev/zero | tr '\0' 'x'; printf '\ndomain-needed\n'; } >"$place/conf"
  "$dnsmasq" --test --conf-file="$place/conf" 2>&1 || true
}
short=$(try 1000)
long=$(try 1100)
printf '1,000 characters: %s\n1,100 characters: %s\n' "$short" "${long##*: }"
case "$short" in *"syntax check OK"*) ;; *) exit 1 ;; esac
case "$long" in *"bad option at line 2"*) ;; *) exit 1 ;; esac
