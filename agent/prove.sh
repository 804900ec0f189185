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
image=${IMAGE:-/opt/edgebuild} state=${STATE:-/state} own=${OWN:-/own} every=${EVERY:-4}
# shellcheck source=agent/probe.sh
. "$image/probe.sh"

# When this container began, in clock ticks since the node did: what an earlier one has left counts no more.
began() { cut -d' ' -f22 /proc/1/stat; }

if [ "$1" = ready ]; then
  [ "$(cat "$own/proven" 2>/dev/null)" = "$(began)" ]
  exit
fi

trap 'exit 0' TERM INT
proven=no
while :; do
  if probe "$1"; then
    [ $proven = yes ] || began >"$own/proven"
    proven=yes
  else
    # The agent knows better why, unless it thinks that all is well.
    read -r known words <"$state/$1" 2>/dev/null || known=Waiting words="the agent has not looked yet"
    [ "$known" = Proven ] || reason=$known message=$words
    if [ $proven = yes ] || [ "$reason $message" != "$(cat "$own/said" 2>/dev/null)" ]; then
      rm -f "$own/proven"
      printf '%s' "$reason $message" | tee "$own/said" >"${TERMINATION_LOG:-/dev/termination-log}"
      exit 1
    fi
  fi
  pause
done
