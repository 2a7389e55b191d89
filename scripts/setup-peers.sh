#!/bin/sh
# `npm run setup:peers`: installs what integration tests and the ship check talk to: programs with apt, and the npm packages of
# test/peers.
# A program that is there is left alone; when all are there, nothing is run, so it works offline and twice.
#
# Debian starts and enables the services of what it installs: mosquitto would hold port 1883, which Weir listens on, and the
# clusters of the tests run from folders of their own. So nothing may start services during the installation (policy-rc.d is
# Debian's own switch for that), and what the installation enabled is disabled, also where it failed half way. A service that
# was enabled before is not touched.
set -eu

# Debian package, and the program of it that is looked for.
PEERS="socat:socat mosquitto:mosquitto mosquitto-clients:mosquitto_sub libcoap3-bin:coap-client-notls
openssl:openssl gnutls-bin:gnutls-cli udev:udevadm systemd:systemd-analyze buildah:buildah
nats-server:nats-server rabbitmq-server:rabbitmq-server ejabberd:ejabberdctl redis-server:redis-server"

# What these packages, and those they bring along, enable to start at boot.
UNITS="mosquitto.service nats-server.service rabbitmq-server.service ejabberd.service redis-server.service epmd.service epmd.socket logrotate.timer"

# Servers are in folders that are not on every user's PATH.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

modules="$(dirname "$0")/../test/peers"
if [ ! -d "$modules/node_modules/node-dtls-client" ]; then
  echo "setup:peers: installing the packages of test/peers"
  npm install --prefix "$modules" --omit=optional --no-package-lock --no-audit --no-fund --loglevel=error
fi

missing=""
for peer in $PEERS; do
  command -v "${peer#*:}" >/dev/null 2>&1 || missing="$missing ${peer%%:*}"
done
if [ -z "$missing" ]; then
  echo "setup:peers: all programs are there"
  exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup:peers: no apt-get here. Install by hand:$missing" >&2
  exit 1
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup:peers: needs root: run as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  as_root="sudo"
fi

enabled() {
  command -v systemctl >/dev/null 2>&1 && systemctl is-enabled --quiet "$1" 2>/dev/null
}
kept=""
for unit in $UNITS; do
  if enabled "$unit"; then kept="$kept $unit"; fi
done

policy=/usr/sbin/policy-rc.d
placed=""
finish() {
  for unit in $UNITS; do
    case " $kept " in
    *" $unit "*) ;;
    # Only the links that start it at boot: it does not run, see above.
    *) if enabled "$unit"; then $as_root systemctl disable -q "$unit" || true; fi ;;
    esac
  done
  if [ -n "$placed" ]; then $as_root rm -f "$policy"; fi
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
  # 101: action forbidden by policy.
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  placed=yes
  $as_root chmod 755 "$policy"
fi

echo "setup:peers: installing$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086 # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing </dev/null

for peer in $PEERS; do
  command -v "${peer#*:}" >/dev/null 2>&1 || {
    echo "setup:peers: ${peer%%:*} was installed but ${peer#*:} is not there" >&2
    exit 1
  }
done
echo "setup:peers: done"
