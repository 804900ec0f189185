#!/usr/bin/env bash
# Fetches Debian's static busybox for other architectures: scripts/foreign-busybox.sh [DIR [ARCHITECTURE…]]
#
# Leaves DIR/<Debian architecture>/busybox, the smallest real foreign program and base image there is, and skips what is
# there. The apt it asks has state, lists and cache of its own below DIR: this machine's architectures, sources and
# package lists stay as they are, and no privilege is needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

directory=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/edgebuild/foreign}
architectures=("${@:2}")
[ ${#architectures[@]} -gt 0 ] || architectures=(arm64 armhf ppc64el s390x amd64)

say() { printf 'foreign-busybox: %s\n' "$*" >&2; }

missing=()
for architecture in "${architectures[@]}"; do
  [ -x "$directory/$architecture/busybox" ] || missing+=("$architecture")
done
[ ${#missing[@]} -gt 0 ] || exit 0

say "fetching busybox-static for ${missing[*]}"
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
# One process' work is not another's: two runs at once end with the same files.
work=$(mktemp -d "$directory/.apt-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{sources,state/lists/partial,cache/archives/partial,packages}
: >"$work/state/status"

"$here/apt-source.sh" "${missing[*]}" | sed 's/^Types: deb$/&\nTargets: Packages/' >"$work/sources/release.sources"

export APT_CONFIG="$work/apt.conf"
cat >"$APT_CONFIG" <<CONFIG
APT::Architecture "${missing[0]}";
APT::Architectures { $(printf '"%s"; ' "${missing[@]}") };
APT::Sandbox::User "$(id -un)";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/sources";
Dir::State "$work/state";
Dir::State::Lists "$work/state/lists";
Dir::State::Status "$work/state/status";
Dir::Cache "$work/cache";
Acquire::Retries "3";
Acquire::Languages "none";
CONFIG

# A list that cannot be read shows in the download, which names what it misses.
apt-get update -qq >&2 || say "not every package list could be read"
(cd "$work/packages" && apt-get download -qq "${missing[@]/#/busybox-static:}" >&2) || {
  say "this machine's apt source does not have it for all of ${missing[*]}:"
  grep -hE '^(URIs|Suites)' "$work"/sources/* >&2
  exit 1
}
for architecture in "${missing[@]}"; do
  dpkg-deb --extract "$work"/packages/busybox-static_*_"$architecture".deb "$work/$architecture"
  mkdir -p "$directory/$architecture"
  # bin/busybox; usr/bin/busybox where /usr is merged.
  find "$work/$architecture" -path '*bin/busybox' -type f -exec mv {} "$directory/$architecture/busybox" \;
  [ -x "$directory/$architecture/busybox" ] || { say "the package for $architecture holds no bin/busybox"; exit 1; }
done
