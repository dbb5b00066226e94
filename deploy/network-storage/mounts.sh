# What plays the network storage: the directory "server", which each node has mounted at a place of its own (mounts/NODE). Read by start and
# stop. Who is not root can't mount, and gets links in place of mounts.
# shellcheck shell=bash disable=SC2154  # the variables are common.sh's

# The marker tells the storage from the empty place where it is to be mounted. It is made once, on the storage itself.
guard=.flotilla-storage

mount_storage() {
  local k place
  mkdir -p "$directory/server" "$directory/mounts"
  [ -f "$directory/configured" ] || touch "$directory/server/$guard"
  for k in 1 2 3; do
    place=$directory/mounts/node-$k
    if [ "$(id -u)" != 0 ]; then
      [ -e "$place" ] || ln -s ../server "$place"
    elif [ ! -L "$place" ]; then
      mkdir -p "$place"
      if ! mountpoint -q "$place"; then
        mount --bind "$directory/server" "$place" || fail "the storage can't be mounted at $place"
        # Unmounted again if the start fails.
        mounted+=("$place")
      fi
    fi
  done
}

unmount_storage() {
  local place
  for place in "$directory"/mounts/*; do
    if [ ! -L "$place" ] && mountpoint -q "$place"; then
      umount "$place" || fail "$place can't be unmounted: somebody uses it"
    fi
  done
}
