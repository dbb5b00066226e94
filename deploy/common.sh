# What the three architectures (local-storage, network-storage, dedicated-primary) have in common when they run on one machine: nodes at
# 127.0.0.1, 127.0.0.2 ..., as on machines of their own, and HAProxy before them at 127.0.0.100. Their start and stop read this file.
# shellcheck shell=bash

deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
flotilla=$(dirname "$deploy")/flotilla
haproxy=${HAPROXY:-haproxy}
balancer_address=127.0.0.100
default_base_port=20000
# How long what was started may take, on a slow machine, in seconds.
patience=300
PATH=$PATH:/usr/sbin:/sbin

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# take_arguments USAGE "$@": sets example (its directory), directory (where all is kept) and base_port
take_arguments() {
  local usage=$1 given="" port=""
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      -h | --help) echo "Usage: $usage"; exit 0 ;;
      --base-port) [ $# -ge 2 ] || fail "--base-port needs a port"; port=$2; shift 2 ;;
      --base-port=*) port=${1#*=}; shift ;;
      -*) fail "there is no option $1. Usage: $usage" ;;
      *) [ -z "$given" ] || fail "one directory is enough. Usage: $usage"; given=$1; shift ;;
    esac
  done
  example=$(dirname "$(readlink -f "$0")")
  directory=$(realpath -m -- "${given:-data/${example##*/}}")
  # It gets into files of several languages.
  [[ $directory =~ ^[[:alnum:]/._+\ -]+$ ]] || fail "the directory $directory has characters that this example can't use; name another"
  base_port=$default_base_port
  [ ! -f "$directory/base-port" ] || base_port=$(cat "$directory/base-port")
  if ! [[ ${port:-$base_port} =~ ^[1-9][0-9]{1,2}00$ ]] || [ "${port:-$base_port}" -gt 65000 ]; then
    fail "--base-port must be a multiple of 100 from 1000 to 65000; the example uses the hundred ports from there on"
  fi
  [ ! -f "$directory/base-port" ] || [ "${port:-$base_port}" = "$base_port" ] \
    || fail "what is in $directory uses the ports from $base_port on; leave --base-port out, or name another directory"
  base_port=${port:-$base_port}
}

# need PROGRAM PACKAGE VARIABLE
need() {
  command -v -- "$1" > /dev/null || fail "there is no program $1. Install it (apt install $2)${3:+, or name it by the variable $3}"
}

# Nobody else starts or stops the same meanwhile. What is started must not hold on to it.
lock_directory() {
  exec 9> "$directory/lock"
  flock -n 9 || fail "another start or stop is at work in $directory; wait for it"
}

# When a process began, in clock ticks since the machine did; nothing if it has ended. An id alone may be somebody else's by now.
began() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 0
  read -r -a fields <<< "${stat##*) }"
  [ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

# running NAME: prints the id of what was started by that name and still runs. Where only its children are left, as when the launcher of a
# node was killed, that is the id of their group, with a minus before it.
running() {
  local name pid at
  [ -f "$directory/processes" ] || return 0
  while read -r name pid at; do
    [ "$name" = "$1" ] || continue
    if [ -n "$at" ] && [ "$(began "$pid")" = "$at" ]; then
      echo "$pid"
    elif kill -0 -- "-$pid" 2> /dev/null && is_ours "$pid"; then
      echo "-$pid"
    fi
  done < "$directory/processes"
}

# is_ours GROUP: whether somebody of it works in the directory; a group, too, may be somebody else's by now
is_ours() {
  local process stat fields words
  for process in /proc/[0-9]*; do
    # The shell itself would complain of a process that ends meanwhile.
    { read -r stat < "$process/stat"; } 2> /dev/null || continue
    read -r -a fields <<< "${stat##*) }"
    [ "${fields[2]}" = "$1" ] || continue
    words=$(tr '\0' '\n' < "$process/cmdline") 2> /dev/null || continue
    case "$words" in *"$directory/"*) return 0 ;; esac
  done
  return 1
}

# spawn NAME LOG COMMAND...: starts what outlives this script
spawn() {
  local name=$1 log=$2 pid
  shift 2
  setsid "$@" >> "$log" 2>&1 < /dev/null 9>&- &
  pid=$!
  if [ -f "$directory/processes" ]; then
    sed -i "/^$name /d" "$directory/processes"
  fi
  echo "$name $pid $(began "$pid")" >> "$directory/processes"
  started+=("$name")
}

# end SIGNAL NAME...: tells those that run, and waits until they have ended
end() {
  local signal=$1 name pid pids=() waited=0
  shift
  for name in "$@"; do
    pid=$(running "$name")
    if [ -n "$pid" ]; then
      kill "-$signal" -- "$pid" 2> /dev/null || true
      pids+=("$name")
    fi
  done
  for name in "${pids[@]}"; do
    while [ -n "$(running "$name")" ]; do
      [ "$waited" -lt $((patience * 10)) ] || fail "$name (process $(running "$name")) still runs; its log is in $directory"
      sleep 0.1
      waited=$((waited + 1))
    done
  done
}

address() { echo "127.0.0.$1"; }

# check_port ADDRESS PORT
check_port() {
  if (exec 3<> "/dev/tcp/$1/$2") 2> /dev/null; then
    fail "port $1:$2 is taken by another program; stop that, or take other ports by --base-port"
  fi
}

# check_ports NAME K: those of the load balancer, of node K or of its Syncthing, from the base port on
check_ports() {
  local at
  case "$1" in
    haproxy) for at in 21 22 43 {50..79}; do check_port "$balancer_address" $((base_port + at)); done ;;
    syncthing-*) check_port "$(address "${1#syncthing-}")" $((base_port + 8)) ;;
    *) for at in 0 1 2 3 4 21 22 43; do check_port "$(address "$2")" $((base_port + at)); done ;;
  esac
}

# adapt FILE: prints a file of the example for this machine: ports from the base port on, paths in the directory
adapt() {
  sed -E -e "s/\b200([0-9]{2})\b/$((base_port / 100))\1/g" -e "s|/srv/flotilla|$1|g" "$2"
}

# start_nodes FILES NODE...: starts those that do not run. FILES is where users' files are, with ${node} for the name of the node.
start_nodes() {
  local files=$1 name key k=0 options
  shift
  key=$directory/$1/state/cluster.key
  for name in "$@"; do
    k=$((k + 1))
    [ -z "$(running "$name")" ] || continue
    mkdir -p "$directory/$name"
    [ -f "$directory/$name/node.conf" ] || adapt "$files" "$example/$name.conf" > "$directory/$name/node.conf"
    options=(--config "$directory/$name/node.conf" --data "$directory/$name/state")
    if [ "$k" = 1 ] && [ ! -f "$key" ]; then
      options+=(--form)
    else
      await "the cluster's key" test -s "$key"
      options+=(--cluster-key "$key")
    fi
    spawn "$name" "$directory/$name/node.log" env -u FLOTILLA_SUPERVISED "$flotilla" node "${options[@]}"
  done
  await "the first node's admin token" test -s "$directory/$1/state/admin-token"
  [ -f "$directory/admin-token" ] || (umask 077 && cp "$directory/$1/state/admin-token" "$directory/admin-token")
  write_cluster "$@"
  await "the nodes to agree; $directory/status.log may say what is wrong" converged "$@"
}

# await WHAT COMMAND...: until it succeeds; gives up when something has ended that was started here
await() {
  local what=$1 deadline=$((SECONDS + patience)) name
  shift
  until "$@"; do
    for name in "${started[@]}"; do
      [ -n "$(running "$name")" ] || { last_words "$name"; fail "$name has ended by itself"; }
    done
    if [ "$SECONDS" -ge "$deadline" ]; then
      for name in "${started[@]}"; do last_words "$name"; done
      fail "waited $patience s for $what"
    fi
    sleep 0.2
  done
}

last_words() {
  local log
  for log in "$directory/$1/node.log" "$directory/$1.log"; do
    [ ! -f "$log" ] || { echo "The end of $log:" && tail -n 5 "$log"; } >&2
  done
}

# Asked by the command, which looks who listens before it sends the token: a node that starts has not opened its port yet.
converged() {
  local states
  states=$("$flotilla" status --output json --dir "$directory" 2> "$directory/status.log" | grep -o '"state" *: *"converged"' | wc -l)
  [ "$states" = $# ]
}

# What the commands of flotilla find the cluster by: --dir DIR.
write_cluster() {
  local boot ticks name pid at rows="" k=0
  boot=$(sed -n 's/^btime //p' /proc/stat)
  ticks=$(getconf CLK_TCK)
  for name in "$@"; do
    k=$((k + 1))
    pid=$(running "$name")
    at=$(began "${pid:-0}")
    rows+="${rows:+, }{\"name\": \"$name\", \"admin\": \"http://$(address "$k"):$base_port\", "
    rows+="\"sftp\": \"$(address "$k"):$((base_port + 22))\", \"pid\": ${pid:-0}, \"started\": $((boot * 1000 + ${at:-0} * 1000 / ticks))}"
  done
  echo "{\"nodes\": [$rows]}" > "$directory/cluster.json"
}

# configure FILES: gives a new cluster what config.json says, and a user whose password is shown once. A start that was killed meanwhile is
# gone on with by the next one.
configure() {
  local tries=0 password
  [ ! -f "$directory/configured" ] || return 0
  adapt "$1" "$example/config.json" > "$directory/config.json"
  # Nodes that are busy with their start may not answer in time whether they can do it; then nothing was changed.
  until "$flotilla" config import "$directory/config.json" --wait applied --comment "${example##*/}" --dir "$directory" \
      > "$directory/import.log" 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || fail "the cluster does not take $directory/config.json: $(cat "$directory/import.log")"
    sleep 2
  done
  password=$(od -An -N 10 -tx1 /dev/urandom | tr -d ' \n')
  echo "{\"password\": \"$password\"}" | "$flotilla" config put users/demo - --wait applied --dir "$directory" > /dev/null
  echo "User demo has the password $password (shown only now)."
  touch "$directory/configured"
}

# HAProxy with what the running cluster says of itself.
start_balancer() {
  [ -z "$(running haproxy)" ] || return 0
  local run_as=haproxy
  [ "$(id -u)" = 0 ] || run_as=none
  "$flotilla" lb haproxy --address "$balancer_address" --source "$balancer_address" --run-as "$run_as" --dir "$directory" \
    > "$directory/haproxy.cfg.next"
  mv "$directory/haproxy.cfg.next" "$directory/haproxy.cfg"
  "$haproxy" -c -q -f "$directory/haproxy.cfg" || fail "HAProxy does not take $directory/haproxy.cfg"
  spawn haproxy "$directory/haproxy.log" "$haproxy" -db -f "$directory/haproxy.cfg"
  await "HAProxy to open its ports" balancer_is_open
}

balancer_is_open() { (exec 3<> "/dev/tcp/$balancer_address/$((base_port + 43))") 2> /dev/null; }

# begin_start PROCESS...: refuses if all of them run, or if a port is taken; what does not run is what is started. If that fails, it is
# stopped again. Nodes come first, in the order of their addresses.
begin_start() {
  local name k=0 missing=""
  need "$haproxy" haproxy HAPROXY
  (umask 022 && mkdir -p "$directory") # commands look into a ./data by themselves only if no other user can write there
  lock_directory
  for name in "$@"; do
    k=$((k + 1))
    [ -n "$(running "$name")" ] || { missing=yes && check_ports "$name" "$k"; }
  done
  [ -n "$missing" ] || fail "it runs in $directory already; stop it by '$example/stop $directory'"
  [ -f "$directory/base-port" ] || echo "$base_port" > "$directory/base-port"
  # From here on there is something to stop.
  touch "$directory/processes"
  started=()
  mounted=()
  trap undo EXIT
  trap 'exit 130' INT TERM HUP
  # Builds a source checkout before several nodes would.
  "$flotilla" --help > /dev/null
}

undo() {
  local status=$? place
  trap - EXIT
  end TERM "${started[@]}"
  for place in "${mounted[@]}"; do
    umount "$place" || echo "$place can't be unmounted: somebody uses it" >&2
  done
  exit "$status"
}

end_start() {
  trap - EXIT INT TERM HUP
  "$flotilla" status --dir "$directory"
  echo
  echo "HAProxy is at $balancer_address; it leads to the nodes. All is kept in $directory."
  echo
  echo "Try:"
  echo "  sftp -P $((base_port + 22)) demo@$balancer_address"
  echo "  curl --ssl-reqd --insecure -u demo ftp://$balancer_address:$((base_port + 21))/"
  echo "  curl --insecure -u demo https://$balancer_address:$((base_port + 43))/files/"
  echo "  $flotilla connections list --dir $directory"
  echo
  echo "Stop it with: $example/stop $directory"
}

# begin_stop PROCESS...: refuses where nothing was started; sets what is to be said at the end
begin_stop() {
  local name
  [ -f "$directory/processes" ] || fail "nothing was started in $directory"
  lock_directory
  stopped="Nothing was running."
  for name in "$@"; do
    # shellcheck disable=SC2034  # stop prints it
    [ -z "$(running "$name")" ] || stopped="Stopped."
  done
}
