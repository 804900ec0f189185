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

# ARCH REASON MESSAGE: what the provers and the log say. Nothing when it is no news.
say() {
  text="$2 $3"
  [ "$text" != "$(cat "$state/$1" 2>/dev/null)" ] || return 0
  printf '%s\n' "$text" >"$state/.$1" && mv "$state/.$1" "$state/$1"
  printf '%s: %s\n' "$1" "$text"
}

# Whether a binfmt_misc is there that the node itself sees; else reason and message. Its entries go with its last mount:
# `shared:` means that the node has this mount, too, and keeps it when this container ends.
hold() {
  if [ ! -e "$binfmt/register" ]; then
    if ! error=$(mount -t binfmt_misc binfmt_misc "$binfmt" 2>&1); then
      reason=ModuleMissing message="cannot mount binfmt_misc: $error; load the kernel module binfmt_misc on the node"
      return 1
    fi
    : >"$files/mounted"
  fi
  # `test -w` would ask the mode only.
  if ! (: >>"$binfmt/register") 2>/dev/null; then
    reason=MountReadOnly message="binfmt_misc is mounted read-only on the node; remount it read-write"
  elif ! grep -q " $binfmt [^-]*shared:" /proc/self/mountinfo; then
    reason=MountNotHeld message="the node does not keep the binfmt_misc mount; mount it there, or make its /proc shared"
  elif read -r line <"$binfmt/status" && [ "$line" != enabled ]; then
    reason=Disabled message="somebody has switched binfmt_misc off; write 1 to /proc/sys/fs/binfmt_misc/status"
  else
    return 0
  fi
  return 1
}

# ENTRY: sets interpreter, flags, pattern as the kernel has them; fails if it is not there or not enabled.
entry() {
  interpreter='' flags='' pattern='' enabled=''
  [ -e "$binfmt/$1" ] || return 1
  while read -r key value; do
    case $key in
      enabled) enabled=yes ;;
      interpreter) interpreter=$value ;;
      flags:) flags=$value ;;
      magic | mask) pattern="$pattern $value" ;;
    esac
  done <"$binfmt/$1"
  [ "$enabled" = yes ]
}

# Somebody else's entry for this magic: sets foreign to its name. The mask may be left out when it is all ones.
foreign() {
  ours=$(printf '%s' "$magic" | sed 's/\\x//g')
  for path in "$binfmt"/*; do
    foreign=${path##*/}
    case $foreign in register | status | edgebuild-*) continue ;; esac
    entry "$foreign" && case $pattern in " $ours"*) return 0 ;; esac
  done
  foreign=''
  return 1
}

# The emulator's file and the entry for it; new before old. A file that is not what the image holds is made anew.
register() {
  file=$files/qemu-$1-$(printf %.8s "$digest") name=edgebuild-$1-$(printf %.8s "$digest")
  if [ "${2-}" = checked ] || [ ! -e "$file" ]; then
    if [ "$(sha256sum "$file" 2>/dev/null)" != "$digest  $file" ]; then
      if ! xzcat "$image/emulators.tar.xz" | tar -xO "qemu-$1" >"$file.new" || ! chmod 0755 "$file.new"; then
        rm -f "$file.new"
        reason=NoSpace message="the emulator cannot be written below $files; free some space there"
        return 1
      fi
      # A container is denied what carries another container's label: see docs/limits.md.
      if grep -q selinuxfs /proc/filesystems && ! error=$(chcon -t bin_t "$file.new" 2>&1); then
        reason=SELinuxDenied message="the emulator cannot be labelled bin_t: $error"
        return 1
      fi
      mv "$file.new" "$file"
      # The kernel holds the file that was there when it was registered.
      [ ! -e "$binfmt/$name" ] || printf -- -1 >"$binfmt/$name"
    fi
  fi
  entry "$name" && [ "$interpreter" = "$file" ] && [ "$flags" = "$wanted" ] && return 0
  [ ! -e "$binfmt/$name" ] || printf -- -1 >"$binfmt/$name"
  if ! error=$( (printf '%s' ":$name:M::$magic:$mask:$file:$wanted" >"$binfmt/register") 2>&1); then
    reason=InterpreterDenied message="the kernel does not take the entry: $error"
    return 1
  fi
  echo "$1: registered $name"
}

# ARCH: makes it so that foreign programs run, and says what came of it.
visit() {
  row "$1"
  case "|$native|" in *"|$(uname -m)|"*)
    say "$1" NativeArchitecture "this node runs $1 itself; a handler for it would break every program"; return ;;
  esac
  hold || { say "$1" "$reason" "$message"; return; }
  if [ ! -e "$binfmt/edgebuild-$1-$(printf %.8s "$digest")" ] && foreign; then
    if [ "$others" = Adopt ] && probe "$1"; then say "$1" Proven "by the handler $foreign, which is not ours"
    else say "$1" HandlerForeign "the handler $foreign is not ours, and is not to be used or does not work; remove it"; fi
    return
  fi
  register "$1" || { say "$1" "$reason" "$message"; return; }
  if ! probe "$1"; then
    register "$1" checked || { say "$1" "$reason" "$message"; return; }
    if ! probe "$1"; then
      ! foreign || reason=HandlerShadowed message="the newer handler $foreign, which is not ours, does not work; remove it"
      say "$1" "$reason" "$message"
      return
    fi
  fi
  say "$1" Proven "by $name"
  for path in "$binfmt/edgebuild-$1"-*; do
    [ "${path##*/}" = "$name" ] || { printf -- -1 >"$path" && rm -f "$files/qemu-${path##*/edgebuild-}"; }
  done
}

remove() {
  for path in "$binfmt"/edgebuild-*; do
    [ ! -e "$path" ] || { printf -- -1 >"$path" && echo "removed the entry ${path##*/}"; } || exit 1
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
  register) while :; do for arch; do visit "$arch"; done; pause; done ;;
  remove) remove ;;
esac
