#!/bin/sh
# The installed kho-lab: alone it opens the window, with arguments it is the command.
# The command has a Node of its own: the app's binary is locked against running as one.
here=$(dirname "$(readlink -f "$0")")
if [ $# -eq 0 ]; then
  exec "$here/kho-lab-app"
fi
exec "$here/resources/node" "$here/resources/out/cli/kho-lab.js" "$@"
