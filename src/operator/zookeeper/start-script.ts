/**
 * How a pod of an ensemble starts Apache ZooKeeper. Needs sh, sed, grep and zkServer.sh; the image zookeeper:3.9 of Docker Hub has them.
 *
 * A server may believe the members that its volume knows only if it was one of them when the pod was made (MEMBERS, written by the operator before it adds the server
 * to the ensemble), or if this very pod has joined before. A volume that was kept from an earlier membership is not believed: the server begins as an
 * observer of the members, and learns from their leader what holds. So volumes of removed servers can never form an ensemble of their own again.
 *
 * Certificates are copied: ZooKeeper notices another file under the name that it knows, and a mounted Secret changes by links only.
 */
export const START_SCRIPT = `set -eu
id=$((POD_INDEX + 1))
data=$HOME_DIRECTORY/data
conf=$HOME_DIRECTORY/conf
mkdir -p "$data" "$conf"
echo "$id" > "$data/myid"
server() {
  echo "server.$1=$SERVERS-$(($1 - 1)).$SERVICE:2888:3888:$2;\${CLIENT_ADDRESS:-2181}"
}
known=$(sed -n 's/^dynamicConfigFile=//p' "$conf/zoo.cfg" 2>/dev/null || true)
is_member=no
case ",$MEMBERS," in *",$id,"*) is_member=yes ;; esac
is_trusted=$is_member
if [ "$(cat "$conf/joined-as" 2>/dev/null || true)" = "$POD_UID" ]; then is_trusted=yes; fi
if [ "$is_trusted" = yes ] && [ -n "$known" ] && grep -q "^server\\.$id=" "$known" 2>/dev/null; then
  echo "server $id goes on with the members in $known"
else
  rm -f "$conf"/zoo.cfg.dynamic.*
  known=$conf/zoo.cfg.dynamic.first
  if [ "$MEMBERS" = "$id" ]; then
    echo "server $id begins an ensemble"
    server "$id" participant > "$known"
  else
    echo "server $id joins the ensemble of $MEMBERS"
    { for member in $(echo "$MEMBERS" | sed 's/,/ /g'); do
        if [ "$member" != "$id" ]; then server "$member" participant; fi
      done
      server "$id" observer; } > "$known"
  fi
  echo "$POD_UID" > "$conf/joined-as"
fi
{ cat "$CONFIG_DIRECTORY/zoo.cfg"; echo "dynamicConfigFile=$known"; } > "$conf/zoo.cfg.new"
mv "$conf/zoo.cfg.new" "$conf/zoo.cfg"
if [ -n "\${TLS_SOURCE:-}" ]; then
  umask 077
  mkdir -p "$TLS_DIRECTORY"
  take() {
    for file in server.pem ca.crt; do
      if [ "$(cat "$TLS_SOURCE/$file")" != "$(cat "$TLS_DIRECTORY/$file" 2>/dev/null || true)" ]; then
        cat "$TLS_SOURCE/$file" > "$TLS_DIRECTORY/$file.new"
        mv "$TLS_DIRECTORY/$file.new" "$TLS_DIRECTORY/$file"
      fi
    done
  }
  take
  while sleep 10 && kill -0 $$; do take; done &
fi
exec zkServer.sh start-foreground "$conf/zoo.cfg"
`
