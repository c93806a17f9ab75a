#!/usr/bin/env bash
# A real Keycloak for tests, from its unpacked distribution.
#
#   server.sh prepare HOME         once: builds it for its embedded database, and keeps a database that has begun already
#   server.sh run HOME DATA PORT   in the foreground, on the loopback address; DATA is made when it is not there
#
# The administrator is called admin, and so is the password.
set -euo pipefail

serve() { # HOME DATA PORT
  mkdir -p "$2"
  local part
  for part in conf lib providers themes; do ln -sfn "$1/$part" "$2/$part"; done
  export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
  exec java -Xms128m -Xmx512m -XX:MaxMetaspaceSize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError \
    -Dfile.encoding=UTF-8 -Duser.language=en -Duser.country=US -Djava.security.egd=file:/dev/urandom \
    -Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory \
    --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.util.concurrent=ALL-UNNAMED --add-opens=java.base/java.security=ALL-UNNAMED \
    -Djava.util.logging.manager=org.jboss.logmanager.LogManager -Dpicocli.disable.closures=true \
    -Dkc.home.dir="$2" -Djboss.server.config.dir="$2/conf" -cp "$2/lib/quarkus-run.jar" io.quarkus.bootstrap.runner.QuarkusEntryPoint \
    start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 --http-port="$3" --hostname-strict=false
}

prepare() { # HOME
  [ ! -e "$1/muster/ready" ] || return 0
  mkdir -p "$1/muster"
  exec 9>"$1/muster/lock"
  flock 9
  [ ! -e "$1/muster/ready" ] || return 0
  rm -rf "$1/muster/first"
  JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1 "$1/bin/kc.sh" build --db=dev-file --health-enabled=false
  local log=$1/muster/first.log pid
  (serve "$1" "$1/muster/first" 0) >"$log" 2>&1 9>&- &
  pid=$!
  for _ in $(seq 1200); do
    if grep -q 'Listening on:' "$log"; then break; fi
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  grep 'Listening on:' "$log" || { kill "$pid" || true; cat "$log"; return 1; }
  kill "$pid"
  wait "$pid" || true
  touch "$1/muster/ready"
}

case ${1-} in
prepare)
  prepare "$(realpath "$2")"
  ;;
run)
  home=$(realpath "$2")
  if [ ! -e "$3" ]; then
    mkdir -p "$3"
    cp -r "$home/muster/first/data" "$3/data"
  fi
  serve "$home" "$(realpath "$3")" "$4"
  ;;
*)
  sed -n '2,7s/^# \{0,1\}//p' "$0"
  exit 2
  ;;
esac
