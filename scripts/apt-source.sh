#!/usr/bin/env bash
# Prints a deb822 apt source for other Debian architectures: scripts/apt-source.sh "ARCHITECTURE…" [APT_DIRECTORY]
#
# It is the main suite of the distribution's own archive, as this machine's apt is set up to reach it: mirror, suite and
# keyring are the machine's. Updates, security and third-party sources are left out: what is built from this source
# needs nothing but the release, and one index less that may fail to load.
#
# Ubuntu keeps every architecture but amd64 and i386 on ports.ubuntu.com: there it may be two sources.
set -euo pipefail

read -r -a architectures <<<"${1:?usage: scripts/apt-source.sh "ARCHITECTURE…" [APT_DIRECTORY]}"
sources=${2:-/etc/apt}
# shellcheck source=/dev/null
. /etc/os-release
suite=${VERSION_CODENAME:-sid}

# Every source of the machine, one a line: URI, suite, components and the value of Signed-By, between tabs.
# An inline key of a deb822 source is many lines: they are joined by \036.
one_line_sources() {
  find "$sources" -maxdepth 2 -name '*.list' -exec cat {} + 2>/dev/null | awk '
    $1 != "deb" { next }
    {
      signed_by = ""; field = 2
      if ($2 ~ /^\[/) {
        do {
          option = $field; gsub(/[][]/, "", option)
          if (option ~ /^signed-by=/) { sub(/^signed-by=/, "", option); signed_by = option }
        } while ($(field++) !~ /\]$/ && field <= NF)
      }
      components = ""
      for (i = field + 2; i <= NF && $i !~ /^#/; i++) components = components " " $i
      print $field "\t" $(field + 1) "\t" components "\t" signed_by
    }'
}
deb822_sources() {
  find "$sources" -maxdepth 2 -name '*.sources' -exec awk 'FNR == 1 { print "" } { print }' {} + 2>/dev/null | awk '
    function flush_stanza(  uris, suites, i, j, n, m) {
      if (enabled && types ~ /(^| )deb( |$)/) {
        n = split(value["uris"], uris, /[ \t\036]+/); m = split(value["suites"], suites, /[ \t\036]+/)
        for (i = 1; i <= n; i++) for (j = 1; j <= m; j++)
          print uris[i] "\t" suites[j] "\t " value["components"] "\t" value["signed-by"]
      }
      split("", value); types = ""; enabled = 1; field = ""
    }
    BEGIN { enabled = 1 }
    /^[ \t]*$/ { flush_stanza(); next }
    /^#/ { next }
    /^[ \t]/ { value[field] = value[field] "\036" $0; if (field == "types") types = types " " $0; next }
    {
      field = tolower($0); sub(/:.*/, "", field)
      text = $0; sub(/^[^:]*:[ \t]*/, "", text); sub(/[ \t]+$/, "", text)
      value[field] = text
      if (field == "types") types = text
      if (field == "enabled" && tolower(text) ~ /^(no|false|without|off|disable)$/) enabled = 0
    }
    END { flush_stanza() }'
}

# The distribution's own: component main, the suite of this release, at an address that ends as its mirrors do.
found=$({ deb822_sources; one_line_sources; } | awk -F'\t' -v suite="$suite" '
  $2 == suite && $3 ~ / main( |$)/ && $1 ~ /\/(debian|ubuntu|ubuntu-ports)(\/|\.list$|\/[0-9TZ]+\/?)?$/ { print; exit }')

if [ -z "$found" ]; then
  case ${ID:-} in
    ubuntu) found="http://archive.ubuntu.com/ubuntu"$'\t'"$suite"$'\t main\t'/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
    *) found="http://deb.debian.org/debian"$'\t'"$suite"$'\t main\t'/usr/share/keyrings/debian-archive-keyring.gpg ;;
  esac
fi
# Tabs are white space to `read`, which would swallow an empty field in between: none of the first three is empty.
IFS=$'\t' read -r uri suite _ signed_by <<<"$found"

print_source() {
  local uri=$1
  shift
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\n' "$uri" "$suite" "$*"
  if [ -n "$signed_by" ]; then printf 'Signed-By: %s\n' "${signed_by//$'\036'/$'\n'}"; fi
  echo
}

if [ "${ID:-}" != ubuntu ]; then
  print_source "$uri" "${architectures[@]}"
  exit 0
fi

archive=()
ports=()
for architecture in "${architectures[@]}"; do
  case $architecture in
    amd64 | i386) archive+=("$architecture") ;;
    *) ports+=("$architecture") ;;
  esac
done
case $uri in *ubuntu-ports*) uri=http://archive.ubuntu.com/ubuntu ;; esac
if [ ${#archive[@]} -gt 0 ]; then print_source "$uri" "${archive[@]}"; fi
if [ ${#ports[@]} -gt 0 ]; then print_source http://ports.ubuntu.com/ubuntu-ports "${ports[@]}"; fi
