#!/usr/bin/env bash
# Makes this machine ready: scripts/setup.sh WHAT…
#
#   node     Node 24 and the npm packages of package-lock.json, in node_modules/
#   build    what `edgebuild build` calls: buildah, skopeo, git, QEMU's user mode
#   verify   what `make verify` calls beyond Node
#   test     what the tests call beyond that
#   demo     what the demo calls beyond that
#
# Says nothing and changes nothing when all is there. Debian packages come by apt-get when started as root; otherwise
# the one command to run is printed and this ends with 3. Nothing comes from anywhere but apt and npm.
#
# No binfmt_misc handler is registered on this machine: packages are installed without their recommendations
# (binfmt-support, qemu-user-binfmt) and without QEMU's files for systemd-binfmt.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$@"; exit 3; }

readonly build_packages=(git ca-certificates buildah skopeo uidmap tar util-linux)
readonly verify_packages=(shellcheck)
readonly test_packages=(busybox-static docker-registry apache2-utils openssl curl)
readonly demo_packages=(mmdebstrap iproute2 curl)

installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# From QEMU 9.2 on, Debian builds qemu-user statically, and qemu-user-static is an empty package that pulls in
# qemu-user-binfmt, which registers handlers. Before, the static programs are qemu-user-static.
readonly first_static_qemu_user=1:9.2
static_qemu_there() {
  installed qemu-user-static && return 0
  installed qemu-user &&
    dpkg --compare-versions "$(dpkg-query --show --showformat='${Version}' qemu-user)" ge $first_static_qemu_user
}
static_qemu_package() {
  local candidate
  candidate=$(apt-cache policy qemu-user | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }')
  if [ -z "$candidate" ]; then
    # The package lists were never read; the release says which it will be. Debian's testing names no version.
    # shellcheck source=/dev/null
    candidate=$(. /etc/os-release && case $ID-${VERSION_ID:-99} in debian-12* | ubuntu-2[0-4]*) ;; *) echo 1:99 ;; esac)
  fi
  if dpkg --compare-versions "${candidate:-0}" ge $first_static_qemu_user; then
    echo qemu-user
  else
    echo qemu-user-static
  fi
}

wanted=()
needs_npm=no
needs_qemu=no
needs_subordinate_ids=no
for what in "$@"; do
  case $what in
    node) needs_npm=yes ;;
    build)
      wanted+=("${build_packages[@]}")
      needs_qemu=yes
      [ "$(id -u)" = 0 ] || needs_subordinate_ids=yes
      ;;
    verify) wanted+=("${verify_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    demo) wanted+=("${demo_packages[@]}") ;;
    *)
      say "unknown: $what; one of node, build, verify, test, demo"
      exit 2
      ;;
  esac
done

# --- Debian packages -------------------------------------------------------------------------------------------------

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  fail "this machine has no apt: set up by hand what CONTRIBUTING.md lists (Debian 12 or later, or Ubuntu, are known)"
fi

# Any npm will do: it only fetches Node 24, which then runs everything.
if [ $needs_npm = yes ] && ! command -v npm >/dev/null; then
  wanted+=(nodejs npm ca-certificates)
fi

missing=()
for package in "${wanted[@]}"; do
  case " ${missing[*]} " in *" $package "*) continue ;; esac
  installed "$package" || missing+=("$package")
done
missing_qemu=no
if [ $needs_qemu = yes ] && ! static_qemu_there; then missing_qemu=yes; fi

# An ordinary user's builds run on a range of subordinate ids. 65536 of them, after the last one given to anybody.
grant_subordinate_ids=
if [ $needs_subordinate_ids = yes ]; then
  user=$(id -un)
  if ! grep -qs -e "^$user:" -e "^$(id -u):" /etc/subuid || ! grep -qs -e "^$user:" -e "^$(id -u):" /etc/subgid; then
    first=$(cat /etc/subuid /etc/subgid 2>/dev/null |
      awk -F: '{ end = $2 + $3; if (end > max) max = end } END { print (max > 100000 ? max : 100000) }')
    range=$first-$((first + 65535))
    grant_subordinate_ids="usermod --add-subuids $range --add-subgids $range $user"
  fi
fi

readonly apt_install=(apt-get install --yes --no-install-recommends -o Acquire::Retries=3
  -o 'DPkg::Options::=--path-exclude=/usr/lib/binfmt.d/qemu-*')

if [ ${#missing[@]} -gt 0 ] || [ $missing_qemu = yes ] || [ -n "$grant_subordinate_ids" ]; then
  if [ "$(id -u)" != 0 ]; then
    if [ $missing_qemu = yes ]; then missing+=("$(static_qemu_package)"); fi
    command=
    if [ ${#missing[@]} -gt 0 ]; then command="apt-get update && ${apt_install[*]} ${missing[*]}"; fi
    if [ -n "$grant_subordinate_ids" ]; then command="${command:+$command && }$grant_subordinate_ids"; fi
    say "something is missing here that only root can set up. Run this once, then start again:"
    printf '\n  sudo sh -c '\''%s'\''\n\n' "$command" >&2
    exit 3
  fi
  export DEBIAN_FRONTEND=noninteractive
  say "reading the package lists"
  apt-get update -qq -o Acquire::Retries=3 ||
    say "not every package list could be read; going on with those that were"
  if [ $missing_qemu = yes ]; then missing+=("$(static_qemu_package)"); fi
  say "installing ${missing[*]}"
  "${apt_install[@]}" -qq -o Dpkg::Use-Pty=0 "${missing[@]}" >&2 ||
    fail "apt-get could not install ${missing[*]}: mend what it says above, then start again"
fi

# --- Node 24 and the npm packages ------------------------------------------------------------------------------------

# Ours, beside npm's own: `npm ci` removes node_modules first, so an interrupted one leaves no stamp.
readonly stamp=node_modules/.edgebuild-lockfile
if [ $needs_npm = yes ]; then
  lockfile=$(sha256sum <package-lock.json)
  if [ "$(cat $stamp 2>/dev/null)" != "$lockfile" ]; then
    say "installing Node 24 and the npm packages"
    # npm too is a new one: an old npm picks other versions, and Debian's does not run under another Node.
    npm_config_loglevel=error npx --yes --package=node@24 --package=npm@11 -c 'npm ci --no-audit --no-fund' >&2 ||
      fail "npm could not install the packages: mend what it says above, then start again"
    node_modules/.bin/node -e 'process.exit(process.versions.node.startsWith("24.") ? 0 : 1)' ||
      fail "node_modules/.bin/node does not run, or is not Node 24"
    printf '%s\n' "$lockfile" >$stamp
  fi
fi
