# One Syncthing a node, each with a folder that is that node's storage. Read by start.
# shellcheck shell=bash disable=SC2154  # the variables are common.sh's

syncthing=${SYNCTHING:-syncthing}

# Starts those that do not run.
start_syncthing() {
  local k j home id ids=()
  for k in 1 2 3; do
    home=$directory/syncthing-$k
    if [ ! -f "$home/cert.pem" ]; then
      # Makes a key; its configuration is replaced below.
      STNODEFAULTFOLDER=true "$syncthing" generate --home="$home" > "$directory/syncthing-$k.log" 2>&1 \
        || fail "Syncthing can't make a key: $(cat "$directory/syncthing-$k.log")"
      rm -f "$home/config.xml"
    fi
    id=$("$syncthing" --device-id --home="$home")
    ids+=("$id")
  done
  for k in 1 2 3; do
    [ -z "$(running "syncthing-$k")" ] || continue
    home=$directory/syncthing-$k
    if [ ! -f "$home/config.xml" ]; then
      adapt "$directory/files/node-$k" "$example/syncthing.xml" | sed -e "s|@ADDRESS@|$(address "$k")|g" > "$home/config.xml.next"
      for j in 1 2 3; do
        sed -i "s|@DEVICE-$j@|${ids[j - 1]}|g" "$home/config.xml.next"
      done
      chmod 600 "$home/config.xml.next"
      mv "$home/config.xml.next" "$home/config.xml"
      # By this directory Syncthing knows that the disk is there.
      mkdir -p "$directory/files/node-$k/.stfolder"
      cp "$example/stignore" "$directory/files/node-$k/.stignore"
    fi
    spawn "syncthing-$k" "$directory/syncthing-$k.log" "$syncthing" serve --home="$home" --no-browser --no-restart
  done
}
