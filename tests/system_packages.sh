#!/bin/sh
# Debian packages that some tests and benchmarks look for. Where they cannot be installed (no apt, no root), those
# tests skip and say so.
missing=""
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
command -v node >/dev/null 2>&1 || missing="$missing nodejs npm"
command -v wrk >/dev/null 2>&1 || missing="$missing wrk"
[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null 2>&1 || missing="$missing nginx-light"
command -v h2load >/dev/null 2>&1 || missing="$missing nghttp2-client"
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing="$missing faketime"
for tool in curl git wget; do command -v $tool >/dev/null 2>&1 || missing="$missing $tool"; done
command -v java >/dev/null 2>&1 || missing="$missing default-jdk-headless"
command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
command -v findmnt >/dev/null 2>&1 || missing="$missing mount"
[ -z "$missing" ] && exit 0
command -v apt-get >/dev/null 2>&1 || { echo "not installed (no apt-get):$missing; some tests will skip"; exit 0; }
sudo=""
[ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && sudo="sudo -n"; } || {
    echo "not installed (no root):$missing; some tests will skip"
    exit 0
}
echo "installing:$missing"
$sudo apt-get update -qq >/dev/null 2>&1
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
    echo "could not install:$missing; some tests will skip"
# Debian starts nginx at once; the benchmark starts its own.
case "$missing" in *nginx*) $sudo service nginx stop >/dev/null 2>&1 ;; esac
exit 0
