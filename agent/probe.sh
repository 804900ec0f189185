# shellcheck shell=sh disable=SC2034,SC2154,SC3045 # Names are of whoever reads this; `read -t` is of busybox.
# Read by agent.sh and prove.sh: whether a foreign program runs here and now.

# ARCH: runs the foreign program that comes with the image. When it fails, sets reason and message.
probe() {
  answer=$(PATH=$image/probes "probe-$1" 2>/dev/null)
  status=$?
  answer=${answer%%
*} see="see /proc/sys/fs/binfmt_misc and the kernel log of this node"
  case $status in
    86)
      [ "$answer" != "edgebuild-probe $1 probe-$1" ] || return 0
      reason=ProbeFailed message="a program of $1 ran, but said '$answer', so that something else runs it; $see"
      ;;
    126) reason=InterpreterDenied message="a program of $1 may not be run; see the audit log of this node" ;;
    129 | 1[34]? | 15?)
      reason=EmulatorCrashed
      message="a program of $1 was ended by signal $((status - 128)); see the kernel log of this node"
      ;;
    *) reason=ProbeFailed message="a program of $1 cannot be run (exit code $status); $see" ;;
  esac
  return 1
}

# PATH: makes what `pause` waits at, a pipe into which nobody writes: to wait so takes no other program.
pipe() {
  rm -f "$1" && mkfifo "$1" && exec 3<>"$1" && rm "$1" && return
  exit 2
}

# SECONDS
pause() { read -r -t "$1" _ <&3; }
