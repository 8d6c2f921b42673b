# Installs packages on Debian and its kin, from nothing, and lets none of their services start, now or at the next boot.
# The first argument names the services, with spaces between; the others are packages.
set -eu
services=$1
shift

# A service that was there before belongs to somebody.
new=
for service in $services; do
    [ -e "/etc/init.d/$service" ] || new="$new $service"
done

# What packages ask before they start a service: the answer is no, as long as this runs.
policy=/usr/sbin/policy-rc.d
restore() {
    rm -f -- "$policy"
    if [ -e "$policy.solent" ]; then mv -- "$policy.solent" "$policy"; fi
}
trap restore EXIT
trap 'exit 1' HUP INT TERM
if [ -e "$policy" ] && [ ! -e "$policy.solent" ]; then mv -- "$policy" "$policy.solent"; fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get update || echo 'note: the lists of packages could not be brought up to date' >&2
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"

for service in $new; do
    if command -v systemctl >/dev/null; then
        systemctl disable "$service" || echo "note: $service may start at the next boot" >&2
    else
        update-rc.d "$service" disable || echo "note: $service may start at the next boot" >&2
    fi
done
