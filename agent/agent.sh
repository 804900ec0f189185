#!/bin/busybox sh
# shellcheck shell=sh
# EdgeBuild's agent: the only program of EdgeBuild that runs privileged on nodes.
#
#   agent.sh register ARCH…   registers QEMU for each architecture, proves it, repairs it, until SIGTERM; all stays
#   agent.sh remove           takes away exactly what `register` made; may be run again
#
# What it writes on a node, and nothing else:
#   $files                    the emulators, mode 0755
#   $binfmt/edgebuild-*       its own entries. Those of others are read and never changed; `status` is never written
#   a binfmt_misc mount, where the node has none
# It has no API token, opens no port, and reads nothing that a tenant wrote: magic, mask and digest of each architecture
# come from the table in its image, the architectures from the operator. Of a prover it sees whether its file is there.
set -u && umask 022
binfmt=${BINFMT:-/host/sys/fs/binfmt_misc} files=${FILES:-/run/edgebuild} state=${STATE:-/state} own=${OWN:-/own}
image=${IMAGE:-/opt/edgebuild} seen='' found='' every=${EVERY:-4} wanted=${FLAGS:-PF} others=${FOREIGN_HANDLERS:-Adopt}
# shellcheck source=agent/probe.sh
. "$image/probe.sh"

# ARCH: sets native, magic, mask, offset, size, digest from the table.
row() {
  while read -r name native magic mask offset size digest; do [ "$name" != "$1" ] || return 0; done <"$image/architectures"
  echo "there is no architecture $1 in $image/architectures" >&2 && exit 2
}

# ARCH: tells reason and message to the provers and to the log. Nothing when they are no news.
say() {
  [ "$reason $message" != "$(cat "$state/$1" 2>/dev/null)" ] || return 0
  printf '%s\n' "$reason $message" >"$state/.$1" && mv "$state/.$1" "$state/$1"
  echo "$1: $reason $message"
}

# REASON MESSAGE: keeps them, and fails.
because() { reason=$1 message=$2 && return 1; }

# Whether a binfmt_misc is there that the node itself sees. Its entries go with its last mount: `shared:` means that the
# node has this mount, too, and keeps it when this container ends.
hold() {
  [ -e "$binfmt/register" ] || { error=$(mount -t binfmt_misc binfmt_misc "$binfmt" 2>&1) && : >"$files/mounted"; } ||
    { because ModuleMissing "cannot mount binfmt_misc: $error; load the kernel module binfmt_misc on the node"; return; }
  # `test -w` would ask the mode only.
  (: >>"$binfmt/register") 2>/dev/null ||
    { because MountReadOnly "binfmt_misc is mounted read-only on the node; remount it read-write"; return; }
  grep -q " $binfmt [^-]*shared:" /proc/self/mountinfo ||
    { because MountNotHeld "the node does not keep the binfmt_misc mount; mount it there, or make its /proc shared"; return; }
  grep -qx enabled "$binfmt/status" ||
    because Disabled "somebody has switched binfmt_misc off; write 1 to /proc/sys/fs/binfmt_misc/status on the node"
}

# ARCH: whether an entry of ours is there for it, of whatever build.
ours() { for path in "$binfmt/edgebuild-$1"-*; do [ -e "$path" ] && return; done; }
# Bytes of the table as an entry shows them.
hex() { printf '%s' "$1" | sed 's/\\x//g'; }
# Somebody else's enabled entry for this magic: sets foreign to its name.
foreign() {
  for path in "$binfmt"/*; do
    foreign=${path##*/}
    case $foreign in register | status | edgebuild-*) continue ;; esac
    case $(cat "$path" 2>/dev/null) in enabled*"magic $(hex "$magic")"*) return 0 ;; esac
  done
  return 1
}

# ARCH: the emulator's file, made anew if it is not what the image holds; looked into only if it is missing or $2 is set.
place() {
  [ -n "${2-}" ] || [ ! -e "$file" ] || return 0
  [ "$(sha256sum "$file" 2>/dev/null)" != "$digest  $file" ] || return 0
  # No further than its end: each one's is as far away as the sizes of those before it.
  { xzcat "$image/emulators.xz" | tail -c "+$((offset + 1))" | head -c "$size" >"$file.new" &&
    chmod 0755 "$file.new"; } || {
    rm -f "$file.new"
    because NoSpace "the emulator cannot be written below $files on the node; free some space there"; return; }
  # An ordinary container is denied what carries another container's label.
  ! grep -q selinuxfs /proc/filesystems || error=$(chcon -t bin_t "$file.new" 2>&1) ||
    { because SELinuxDenied "the emulator cannot be labelled bin_t: $error; see the audit log of the node"; return; }
  # The kernel holds the file that was there when it was registered.
  mv "$file.new" "$file" && drop "$name"
}

# ENTRY: removes one of ours.
drop() { [ ! -e "$binfmt/$1" ] || printf -- -1 >"$binfmt/$1"; }
# ARCH: the file, and the entry for it. Another build or other flags make another name: new before old.
register() {
  build=$1-$(printf %.8s "$digest") shown=$wanted
  file=$files/qemu-$build name=edgebuild-$build${wanted#PF}
  place "$@" || return
  [ "$wanted" != PFC ] || shown=POCF
  lines=$(printf '%s\n' enabled "interpreter $file" "flags: $shown" "offset 0" \
    "magic $(hex "$magic")" "mask $(hex "$mask")")
  [ "$(cat "$binfmt/$name" 2>/dev/null)" != "$lines" ] || return 0
  drop "$name"
  error=$( (printf '%s' ":$name:M::$magic:$mask:$file:$wanted" >"$binfmt/register") 2>&1) ||
    { because InterpreterDenied "the kernel does not take the entry: $error; see the kernel log of the node"; return; }
  echo "$1: registered $name"
}

# ARCH: makes it so that foreign programs run. Sets reason and message: Proven, or why not and what to do.
visit() {
  row "$1" && case "|$native|" in *"|$(uname -m)|"*)
    because NativeArchitecture "this node runs $1 itself, and a handler would break it; select other nodes"; return ;; esac
  hold || return
  if ! ours "$1" && foreign; then
    [ "$others" = Adopt ] && probe "$1" && reason=Proven message="by the handler $foreign, which is not ours" && return
    because HandlerForeign "the handler $foreign is not ours, and fails or is unwanted; remove it on the node"; return
  fi
  register "$1" || return
  if ! probe "$1"; then
    # The kernel may hold another file than the one that lies there by now.
    foreign || drop "$name"
    register "$1" checked || return
    probe "$1" ||
      { ! foreign || because HandlerShadowed "the newer handler $foreign does not work; remove it on the node"; return; }
  fi
  reason=Proven message="by $name"
  for path in "$binfmt/edgebuild-$1"-*; do [ "${path##*/}" = "$name" ] || drop "${path##*/}"; done
  for path in "$files/qemu-$1"-*; do [ "$path" = "$file" ] || rm -f "$path"; done
}

# ARCH: whether there is nothing to do: all is as it was when it was proven, and its prover still proves it.
rests() { [ "$seen" = "$before" ] && [ -e "$own/$1/proven" ] && read -r known _ <"$state/$1" && [ "$known" = Proven ]; }

# ARCH…: takes away what is ours and for none of these.
sweep() {
  for path in "$binfmt"/edgebuild-* "$files"/qemu-*; do
    name=${path##*/} name=${name#*-}
    case " $* " in *" ${name%-*} "*) false ;; *) [ -e "$path" ] ;; esac || continue
    case $path in "$binfmt"/*) drop "${path##*/}" ;; *) rm "$path" ;; esac || exit 1
    found=yes && echo "removed $path"
  done
}

remove() {
  sweep
  [ ! -e "$files/mounted" ] || case $(echo "$binfmt"/*) in
    "$binfmt/*") rm "$files/mounted" ;;
    "$binfmt/register $binfmt/status") umount "$binfmt" && rm "$files/mounted" && found=yes && echo "removed the mount" ;;
    *) found=yes && echo "left the mount, for not all of it is ours:" "$binfmt"/* ;;
  esac || exit 1
  ! rmdir "$files" 2>/dev/null || { found=yes && echo "removed $files"; }
  [ -n "$found" ] || echo "nothing of ours is here"
}

trap 'exit 0' TERM INT && case $1 in register) shift ;; remove) remove; exit ;; *) exit 2 ;; esac
pipe "$state/.pipe" && sweep "$@"
while :; do
  # Entries and files as they are now.
  before=$seen seen=$(echo "$files"/* "$binfmt"/* && cat "$binfmt"/* 2>/dev/null)
  for arch; do rests "$arch" || { visit "$arch"; say "$arch"; }; done
  # The node has it read-write again, this container as it was when it began: the next one will have it so, too.
  [ "${reason-}" != MountReadOnly ] || ! grep -q " $binfmt ro[, ].* rw$" /proc/self/mountinfo || exit 1
  pause "$every"
done
