#!/bin/bash
# What a person would write without the lab: starts a guest and waits for its ready line; with a key given, also copies
# the kernel and the initrd into it, loads them, runs kexec -e and waits for the ready line again.
# Prints the milliseconds from the start of QEMU to each ready line.
#
#   plain-script.sh ARGV_FILE READY [SSH_KEY PORT KERNEL INITRD CMDLINE]
#
# ARGV_FILE holds QEMU and its arguments, one on each line; the guest's lab port must be QEMU's standard output.
set -euo pipefail
mapfile -t argv <"$1"
ready=$2

started=$(date +%s%N)
coproc QEMU { exec "${argv[@]}" </dev/null; }
guest=$QEMU_PID sender=
trap 'kill -KILL $guest $sender 2>/dev/null || true' EXIT

wait_for_ready() {
  local line
  while read -r -t 120 -u "${QEMU[0]}" line; do
    case $line in "$ready"*) echo $((($(date +%s%N) - started) / 1000000)); return ;; esac
  done
  echo "the guest ended or was silent before '$ready'" >&2
  exit 1
}

wait_for_ready
if [ $# -gt 2 ]; then
  key=$3 port=$4 kernel=$5 initrd=$6 cmdline=$7
  # The next kernel ends the connection without a word, so ssh would wait on: it stays behind, and ends with this script.
  tar -cf - -C "$(dirname "$kernel")" "$(basename "$kernel")" -C "$(dirname "$initrd")" "$(basename "$initrd")" |
    ssh -o LogLevel=ERROR -i "$key" -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 \
      "tar -xf - -C /run && kexec-load /run/$(basename "$kernel") /run/$(basename "$initrd") '$cmdline' && kexec -e" >&2 &
  sender=$!
  wait_for_ready
fi
