#!/bin/busybox sh
# shellcheck shell=sh
# Proves, in an ordinary container without any right, that foreign programs run there.
#
#   prove.sh ARCH    goes on while they do, and while it waits that they will
#   prove.sh ready   whether they have, since this container began: its startup probe
#
# It ends with 1 and its reason as termination message when what was proven is so no more, and once for each new reason.
# Waiting, it does not end, for the kubelet lets more and more time pass from one start of a container to the next.
set -u
image=${IMAGE:-/opt/edgebuild} state=${STATE:-/state} own=${OWN:-/own} every=${EVERY:-5}
# shellcheck source=agent/probe.sh
. "$image/probe.sh"

# When this container began, in clock ticks since the node did: what an earlier one has left counts no more.
began() { cut -d' ' -f22 /proc/1/stat; }

if [ "$1" = ready ]; then
  [ "$(cat "$own/proven" 2>/dev/null)" = "$(began)" ]
  exit
fi

# ARCH: what the agent says: sets known to its reason, and words to the rest.
listen() {
  known=Waiting words=''
  { read -r known words <"$state/$1"; } 2>/dev/null
}

# Ends this container with reason and message.
end() {
  rm -f "$own/proven"
  printf '%s' "$reason $message" | tee "$own/said" >"${TERMINATION_LOG:-/dev/termination-log}"
  exit 1
}

# ARCH: goes on until foreign programs run. Ends before that with a reason which the container before did not end with.
await() {
  while :; do
    listen "$1"
    case $known in
      Waiting) ;;
      Proven) ! probe "$1" || return 0; [ "$reason $message" = "$said" ] || end ;;
      *) reason=$known message=$words; [ "$reason $message" = "$said" ] || end ;;
    esac
    pause 1
  done
}

trap 'exit 0' TERM INT
pipe "$own/pipe"
said=$(cat "$own/said" 2>/dev/null)
rm -f "$own/said" "$own/proven"
await "$1"
began >"$own/proven"
while probe "$1"; do pause "$every"; done
# The agent knows better why, unless it thinks that all is well.
listen "$1"
case $known in Waiting | Proven) ;; *) reason=$known message=$words ;; esac
end
