#!/bin/busybox sh
# shellcheck shell=sh
# EdgeBuild's agent: the only program of EdgeBuild that runs privileged on nodes.
#
#   agent.sh register ARCH…   registers QEMU for each architecture, proves it, repairs it, until SIGTERM; leaves all in place
#   agent.sh remove           takes away exactly what `register` made
#
# What it writes on a node, and nothing else:
#   $files                    the emulators, mode 0755
#   $binfmt/edgebuild-*       its own entries. Those of others are read and never changed; `status` is never written
#   a binfmt_misc mount, where the node has none
# It has no API token, opens no port, and reads nothing that a tenant wrote: magic, mask and digest of each architecture
# come from the table in its image, the architectures from the operator.
set -u
binfmt=${BINFMT:-/host/sys/fs/binfmt_misc} files=${FILES:-/run/edgebuild} state=${STATE:-/state}
image=${IMAGE:-/opt/edgebuild} every=${EVERY:-4} wanted=${FLAGS:-PF} others=${FOREIGN_HANDLERS:-Adopt}
# shellcheck source=agent/probe.sh
. "$image/probe.sh"

# ARCH: sets native, magic, mask, digest from the table.
row() {
  while read -r name native magic mask digest; do [ "$name" != "$1" ] || return 0; done <"$image/architectures"
  echo "there is no architecture $1 in $image/architectures" >&2
  exit 2
}

# ARCH: tells reason and message to the provers and to the log. Nothing when they are no news.
say() {
  [ "$reason $message" != "$(cat "$state/$1" 2>/dev/null)" ] || return 0
  printf '%s\n' "$reason $message" >"$state/.$1" && mv "$state/.$1" "$state/$1"
  echo "$1: $reason $message"
}

# REASON MESSAGE: keeps them, and fails.
because() {
  reason=$1 message=$2
  return 1
}

# Whether a binfmt_misc is there that the node itself sees. Its entries go with its last mount: `shared:` means that the
# node has this mount, too, and keeps it when this container ends.
hold() {
  if [ ! -e "$binfmt/register" ]; then
    error=$(mount -t binfmt_misc binfmt_misc "$binfmt" 2>&1) ||
      { because ModuleMissing "cannot mount binfmt_misc: $error; load the kernel module binfmt_misc on the node"; return; }
    : >"$files/mounted"
  fi
  # `test -w` would ask the mode only.
  (: >>"$binfmt/register") 2>/dev/null ||
    { because MountReadOnly "binfmt_misc is mounted read-only on the node; remount it read-write"; return; }
  grep -q " $binfmt [^-]*shared:" /proc/self/mountinfo ||
    { because MountNotHeld "the node does not keep the binfmt_misc mount; mount it there, or make its /proc shared"; return; }
  read -r line <"$binfmt/status"
  [ "$line" = enabled ] ||
    because Disabled "somebody has switched binfmt_misc off; write 1 to /proc/sys/fs/binfmt_misc/status"
}

# Somebody else's enabled entry for this magic: sets foreign to its name.
foreign() {
  ours=$(printf '%s' "$magic" | sed 's/\\x//g')
  for path in "$binfmt"/*; do
    foreign=${path##*/}
    case $foreign in register | status | edgebuild-*) continue ;; esac
    case $(cat "$path" 2>/dev/null) in enabled*"magic $ours"*) return 0 ;; esac
  done
  return 1
}

# ARCH: the emulator's file, made anew if it is not what the image holds; looked into only if it is missing or $2 is set.
place() {
  [ -n "${2-}" ] || [ ! -e "$file" ] || return 0
  [ "$(sha256sum "$file" 2>/dev/null)" != "$digest  $file" ] || return 0
  if ! xzcat "$image/emulators.tar.xz" | tar -xO "qemu-$1" >"$file.new" || ! chmod 0755 "$file.new"; then
    rm -f "$file.new"
    because NoSpace "the emulator cannot be written below $files; free some space there"
    return
  fi
  # An ordinary container is denied what carries another container's label.
  ! grep -q selinuxfs /proc/filesystems || error=$(chcon -t bin_t "$file.new" 2>&1) ||
    { because SELinuxDenied "the emulator cannot be labelled bin_t: $error"; return; }
  # The kernel holds the file that was there when it was registered.
  mv "$file.new" "$file" && drop "$name"
}

# ENTRY: removes one of ours.
drop() { [ ! -e "$binfmt/$1" ] || printf -- -1 >"$binfmt/$1"; }

# ARCH: the file, and the entry for it.
register() {
  file=$files/qemu-$1-$(printf %.8s "$digest") name=edgebuild-$1-$(printf %.8s "$digest")
  place "$@" || return
  case "$(cat "$binfmt/$name" 2>/dev/null) " in "enabled
interpreter $file
flags: $wanted
"*) return ;; esac
  drop "$name"
  error=$( (printf '%s' ":$name:M::$magic:$mask:$file:$wanted" >"$binfmt/register") 2>&1) ||
    { because InterpreterDenied "the kernel does not take the entry: $error"; return; }
  echo "$1: registered $name"
}

# ARCH: makes it so that foreign programs run. Sets reason and message: Proven, or why not and what to do.
visit() {
  row "$1"
  case "|$native|" in
    *"|$(uname -m)|"*) because NativeArchitecture "this node runs $1 itself; a handler would break every program"; return ;;
  esac
  hold || return
  if [ ! -e "$binfmt/edgebuild-$1-$(printf %.8s "$digest")" ] && foreign; then
    [ "$others" = Adopt ] && probe "$1" && reason=Proven message="by the handler $foreign, which is not ours" && return
    because HandlerForeign "the handler $foreign is not ours, and not to be used or does not work; remove it"
    return
  fi
  register "$1" || return
  if ! probe "$1"; then
    register "$1" checked || return
    if ! probe "$1"; then
      ! foreign || reason=HandlerShadowed message="the newer handler $foreign, which is not ours, does not work; remove it"
      return
    fi
  fi
  reason=Proven message="by $name"
  for path in "$binfmt/edgebuild-$1"-*; do
    [ "${path##*/}" = "$name" ] || { drop "${path##*/}" && rm -f "$files/qemu-${path##*/edgebuild-}"; }
  done
}

remove() {
  for path in "$binfmt"/edgebuild-*; do
    [ ! -e "$path" ] || { drop "${path##*/}" && echo "removed the entry ${path##*/}"; } || exit 1
  done
  for path in "$files"/qemu-*; do
    [ ! -e "$path" ] || { rm "$path" && echo "removed $path"; } || exit 1
  done
  [ -e "$files/mounted" ] || return 0
  for path in "$binfmt"/*; do
    case ${path##*/} in register | status) ;; *) echo "left the mount, for ${path##*/} is not ours"; return ;; esac
  done
  umount "$binfmt" && rm "$files/mounted" && echo "removed the mount"
}

trap 'exit 0' TERM INT
mode=$1
shift
case $mode in
  register) while :; do for arch; do visit "$arch"; say "$arch"; done; pause; done ;;
  remove) remove ;;
esac
