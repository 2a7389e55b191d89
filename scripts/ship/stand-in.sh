#!/bin/sh
# stand-in.sh TAG [BUILDAH OPTION...]: an image with this machine's own Node, npm, shell and C library, for a machine that
# cannot pull one. Only for checking the Dockerfile (image.mjs); never to be shipped.
set -eu
tag="$1"
shift

container=$(buildah "$@" from scratch)
tree=$(buildah "$@" mount "$container")

for folder in bin sbin lib lib64; do
  mkdir -p "$tree/usr/$folder"
  ln -s "usr/$folder" "$tree/$folder"
done
mkdir -p "$tree/etc" "$tree/tmp" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/root" "$tree/var/lib" "$tree/run" "$tree/usr/local"
chmod 1777 "$tree/tmp"

# Files go where their folders really are: /lib is a link to /usr/lib, here and there.
place() {
  while read -r file; do
    folder=$(readlink -f "$(dirname "$file")")
    mkdir -p "$tree$folder"
    cp -L "$file" "$tree$folder/"
  done
}

node=$(readlink -f "$(command -v node)")
programs="$(dpkg -L dash bash coreutils passwd sed grep | while read -r file; do
  if [ -f "$file" ] && [ -x "$file" ]; then echo "$file"; fi
done)"
printf '%s\n' "$programs" | place
printf '%s\n' "$programs" "$node" | xargs ldd 2>/dev/null | grep -oE '/[^ :]+\.so[^ :]*' | sort -u | place
# Loaded by name while running: users, groups and hosts.
find /lib/*-linux-gnu /usr/lib/*-linux-gnu -maxdepth 1 \( -name 'libnss_files.so.*' -o -name 'libnss_dns.so.*' -o -name 'libresolv.so.*' \) | place

cp -L "$node" "$tree/usr/bin/node"
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
mkdir -p "$tree/usr/lib/node_modules"
cp -r "$npm" "$tree/usr/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$tree/usr/bin/npm"
ln -s bash "$tree/usr/bin/sh" 2>/dev/null || true
# For the line `#!/usr/bin/env node`, and for TLS.
for file in passwd group shadow gshadow login.defs nsswitch.conf pam.d ssl; do
  if [ -e "/etc/$file" ]; then cp -rL "/etc/$file" "$tree/etc/"; fi
done

# The certificates that this machine's Node trusts beside its own.
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
  cp -L "$NODE_EXTRA_CA_CERTS" "$tree/etc/extra-ca.pem"
  buildah "$@" config --env NODE_EXTRA_CA_CERTS=/etc/extra-ca.pem "$container"
fi

buildah "$@" umount "$container" >/dev/null
buildah "$@" commit --rm "$container" "$tag"
